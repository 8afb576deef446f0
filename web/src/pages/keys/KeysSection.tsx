import { useState } from "react";
import type { ApiKey } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { KeySummary } from "./KeySummary";
import { NewKeyDialog } from "./NewKeyDialog";
import { RevokeKeyDialog } from "./RevokeKeyDialog";
import { RotateKeyDialog } from "./RotateKeyDialog";
import { useKeys } from "./useKeys";

/** What one has chosen to do with a key. */
type Doing = "make" | { rotate: ApiKey } | { revoke: ApiKey };

/** One's own keys. */
export function KeysSection() {
  const { t } = useTranslation();
  const keys = useKeys();
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = () => setDoing(null);
  return (
    <Section title={t("key.section")} hint={t("key.hint")} actions={<Button onClick={() => setDoing("make")}>{t("key.make")}</Button>}>
      {keys.isPending && <Skeleton lines={2} />}
      <ProblemNotice error={keys.error} />
      {keys.data?.items.length === 0 && <p className="text-muted">{t("key.none")}</p>}
      <ul className="flex flex-col">
        {keys.data?.items.map((key) => (
          <li key={key.id} className="flex flex-wrap items-start gap-3 border-b py-3 last:border-0">
            <KeySummary apiKey={key} />
            <div className="flex flex-wrap gap-2">
              <Button onClick={() => setDoing({ rotate: key })}>{t("key.rotate")}</Button>
              <Button look="danger" onClick={() => setDoing({ revoke: key })}>
                {t("key.revoke")}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      {doing === "make" && <NewKeyDialog onClose={close} />}
      {doing && doing !== "make" && "rotate" in doing && <RotateKeyDialog apiKey={doing.rotate} onClose={close} />}
      {doing && doing !== "make" && "revoke" in doing && <RevokeKeyDialog apiKey={doing.revoke} onClose={close} />}
    </Section>
  );
}
