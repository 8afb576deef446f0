import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { useKiosk } from "@/app/kiosk";
import { useRefreshSession } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Entrance } from "./Entrance";

export function SignInStep({ ended }: { ended: boolean }) {
  const { t } = useTranslation();
  const refresh = useRefreshSession();
  const kiosk = useKiosk();
  // A shared device offers nobody what the one before typed.
  const remembered = (what: string) => (kiosk ? "off" : what);
  const [missing, setMissing] = useState<{ email: boolean; password: boolean }>({ email: false, password: false });
  const signIn = useMutation({
    mutationFn: async (body: { email: string; password: string; tenant?: string }) => {
      await take(api.POST("/api/v1/auth/login", { body }));
      await refresh();
    },
  });
  const submit = (data: FormData) => {
    const text = (name: string) => String(data.get(name) ?? "");
    const body = { email: text("email").trim(), password: text("password"), tenant: text("tenant").trim() || undefined };
    setMissing({ email: !body.email, password: !body.password });
    if (body.email && body.password) signIn.mutate(body);
  };
  return (
    <Entrance title={t("sign_in.title")}>
      {ended && <Notice title={t("sign_in.ended")}>{t("sign_in.ended_next")}</Notice>}
      <ProblemNotice error={signIn.error} />
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <TextField
          label={t("sign_in.tenant")}
          hint={t("sign_in.tenant_hint")}
          name="tenant"
          autoComplete={remembered("organization")}
          defaultValue={kiosk?.tenant}
          autoCapitalize="none"
          spellCheck={false}
          autoFocus={!kiosk?.tenant}
        />
        <TextField
          label={t("sign_in.email")}
          fault={missing.email ? t("fault.required") : null}
          name="email"
          type="email"
          autoComplete={remembered("username")}
          autoFocus={Boolean(kiosk?.tenant)}
          required
        />
        <TextField
          label={t("sign_in.password")}
          fault={missing.password ? t("fault.required") : null}
          name="password"
          type="password"
          autoComplete={remembered("current-password")}
          required
        />
        <Button look="primary" type="submit" busy={signIn.isPending}>
          {signIn.isPending ? t("sign_in.checking") : t("sign_in.submit")}
        </Button>
      </form>
    </Entrance>
  );
}
