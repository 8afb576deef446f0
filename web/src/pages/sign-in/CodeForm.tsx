import { useMutation } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";

interface Props {
  onShown: () => void | Promise<void>;
}

/** Shows the second factor, or a recovery code in its place. */
export function CodeForm({ onShown }: Props) {
  const { t } = useTranslation();
  const show = useMutation({
    mutationFn: async (code: string) => {
      await take(api.POST("/api/v1/auth/second-factor/verify", { body: { code } }));
      await onShown();
    },
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const code = String(new FormData(event.currentTarget).get("code") ?? "").trim();
        if (code) show.mutate(code);
      }}
    >
      <ProblemNotice error={show.error} />
      <TextField
        label={t("factor.code")}
        hint={t("factor.code_hint")}
        name="code"
        autoComplete="one-time-code"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={64}
        className="font-mono text-xl tracking-widest"
        autoFocus
        required
      />
      <Button look="primary" type="submit" busy={show.isPending}>
        {t("action.continue")}
      </Button>
    </form>
  );
}
