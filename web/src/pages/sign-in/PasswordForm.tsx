import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";

const LENGTH_MIN = 12;

interface Props {
  onChanged: () => void | Promise<void>;
}

/** Sets a password of one's own. */
export function PasswordForm({ onChanged }: Props) {
  const { t } = useTranslation();
  const [fault, setFault] = useState<string | null>(null);
  const change = useMutation({
    mutationFn: async (body: { current_password: string; new_password: string }) => {
      await take(api.POST("/api/v1/auth/password", { body }));
      await onChanged();
    },
  });
  const submit = (form: HTMLFormElement) => {
    const data = new FormData(form);
    const body = {
      current_password: String(data.get("current_password") ?? ""),
      new_password: String(data.get("new_password") ?? ""),
    };
    const short = body.new_password.length < LENGTH_MIN;
    setFault(short ? t("password.short") : null);
    if (!short) change.mutate(body, { onSuccess: () => form.reset() });
  };
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <ProblemNotice error={change.error} />
      <TextField label={t("password.current")} name="current_password" type="password" autoComplete="current-password" required />
      <TextField
        label={t("password.new")}
        hint={t("password.hint")}
        fault={fault}
        name="new_password"
        type="password"
        autoComplete="new-password"
        maxLength={256}
        required
      />
      <Button look="primary" type="submit" busy={change.isPending}>
        {t("password.submit")}
      </Button>
    </form>
  );
}
