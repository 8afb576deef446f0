import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, takeWithStepUp } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { Enrolment } from "@/pages/sign-in/Enrolment";
import { RecoveryCodes } from "@/pages/sign-in/RecoveryCodes";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

export function SecondFactorSection() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const factor = useQuery({
    queryKey: ["factor"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/auth/second-factor", { signal })),
  });
  const [enrolling, setEnrolling] = useState(false);
  const done = () => {
    setEnrolling(false);
    return client.invalidateQueries({ queryKey: ["factor"] });
  };
  const enrolled = factor.data?.enrolled;
  return (
    <Section
      title={t("factor.section")}
      hint={t("factor.section_hint")}
      actions={factor.data && <Badge tone={enrolled ? "good" : "warn"}>{enrolled ? t("factor.on") : t("factor.off")}</Badge>}
    >
      {factor.isPending && <Skeleton lines={2} />}
      <ProblemNotice error={factor.error} />
      {factor.data && !enrolled && !enrolling && (
        <Button look="primary" className="self-start" onClick={() => setEnrolling(true)}>
          {t("enrol.title")}
        </Button>
      )}
      {enrolling && <Enrolment onDone={done} />}
      {enrolled && !enrolling && <Enrolled left={factor.data?.recovery_codes_left ?? 0} />}
    </Section>
  );
}

/** What one can do with a second factor that one has. */
function Enrolled({ left }: { left: number }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: ["factor"] });
  const renew = useMutation({
    mutationFn: () => takeWithStepUp(() => api.POST("/api/v1/auth/second-factor/recovery-codes")),
  });
  const remove = useMutation({
    mutationFn: () => takeWithStepUp(() => api.DELETE("/api/v1/auth/second-factor")),
    onSuccess: again,
  });
  if (renew.data) {
    const kept = () => {
      renew.reset();
      return again();
    };
    return <RecoveryCodes codes={renew.data.recovery_codes} onKept={kept} />;
  }
  return (
    <>
      <p>{t("factor.codes_left", { count: left })}</p>
      <ProblemNotice error={renew.error} />
      <div className="flex flex-wrap gap-3">
        <Button busy={renew.isPending} onClick={() => renew.mutate()}>
          {t("factor.renew")}
        </Button>
        <Button look="danger" onClick={() => setRemoving(true)}>
          {t("factor.remove")}
        </Button>
      </div>
      <ConfirmDialog
        open={removing}
        title={t("factor.remove")}
        what={t("factor.remove_what")}
        confirm={t("factor.remove")}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
        onClose={() => setRemoving(false)}
      />
    </>
  );
}
