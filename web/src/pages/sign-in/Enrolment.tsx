import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { FactorEnrolment } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { QrCode } from "./QrCode";
import { RecoveryCodes } from "./RecoveryCodes";

interface Props {
  onDone: () => void | Promise<void>;
}

/** From the password over the picture to the recovery codes. */
export function Enrolment({ onDone }: Props) {
  const [begun, setBegun] = useState<FactorEnrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes) return <RecoveryCodes codes={codes} onKept={onDone} />;
  if (begun) return <Confirm begun={begun} onCodes={setCodes} />;
  return <Begin onBegun={setBegun} />;
}

function Begin({ onBegun }: { onBegun: (begun: FactorEnrolment) => void }) {
  const { t } = useTranslation();
  const begin = useMutation({
    mutationFn: (current_password: string) =>
      take(api.POST("/api/v1/auth/second-factor", { body: { current_password } })),
    onSuccess: onBegun,
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        begin.mutate(String(new FormData(event.currentTarget).get("current_password") ?? ""));
      }}
    >
      <p>{t("enrol.why")}</p>
      <ProblemNotice error={begin.error} />
      <TextField label={t("password.current")} name="current_password" type="password" autoComplete="current-password" required />
      <Button look="primary" type="submit" busy={begin.isPending}>
        {t("enrol.begin")}
      </Button>
    </form>
  );
}

function Confirm({ begun, onCodes }: { begun: FactorEnrolment; onCodes: (codes: string[]) => void }) {
  const { t } = useTranslation();
  const confirm = useMutation({
    mutationFn: (code: string) => take(api.POST("/api/v1/auth/second-factor/confirm", { body: { code } })),
    onSuccess: (answer) => onCodes(answer.recovery_codes),
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate(String(new FormData(event.currentTarget).get("code") ?? "").trim());
      }}
    >
      <p>{t("enrol.scan")}</p>
      <QrCode svg={begun.qr_svg} label={t("enrol.qr")} />
      <p>
        {t("enrol.secret")} <code className="font-semibold select-all" data-testid="secret">{begun.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
      </p>
      <ProblemNotice error={confirm.error} />
      <TextField
        label={t("factor.code")}
        name="code"
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={16}
        className="font-mono text-xl tracking-widest"
        autoFocus
        required
      />
      <Button look="primary" type="submit" busy={confirm.isPending}>
        {t("enrol.confirm")}
      </Button>
    </form>
  );
}
