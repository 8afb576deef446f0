import { useState } from "react";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useConsent, useMemoryChanges } from "./useMemories";

/** Whether anything may be remembered, and what that means. */
export function ConsentSection() {
  const { t } = useTranslation();
  const may = useMay();
  const consent = useConsent();
  const { consent: change } = useMemoryChanges();
  const [stopping, setStopping] = useState(false);
  const allowed = consent.data?.allowed ?? false;
  const state = consent.data && (
    <span role="status">
      <Badge tone={allowed ? "good" : "plain"}>{allowed ? t("consent.on") : t("consent.off")}</Badge>
    </span>
  );
  return (
    <Section title={t("consent.title")} actions={state}>
      {consent.isPending && <Skeleton lines={3} />}
      <ProblemNotice error={consent.error ?? (stopping ? null : change.error)} />
      {consent.data && (
        <>
          <p className="max-w-reading">{allowed ? t("consent.on_means") : t("consent.off_means")}</p>
          <ul className="flex max-w-reading list-disc flex-col gap-1 pl-5 text-sm">
            <li>{t("consent.what")}</li>
            <li>{t("consent.who")}</li>
            <li>{t("consent.end")}</li>
          </ul>
          {may("memories.change") &&
            (allowed ? (
              <Button className="self-start" onClick={() => setStopping(true)}>
                {t("consent.forbid")}
              </Button>
            ) : (
              <Button look="primary" className="self-start" busy={change.isPending} onClick={() => change.mutate(true)}>
                {t("consent.allow")}
              </Button>
            ))}
        </>
      )}
      <ConfirmDialog
        open={stopping}
        title={t("consent.forbid_title")}
        what={t("consent.forbid_what")}
        confirm={t("consent.forbid")}
        busy={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate(false, { onSuccess: () => setStopping(false) })}
        onClose={() => setStopping(false)}
      />
    </Section>
  );
}
