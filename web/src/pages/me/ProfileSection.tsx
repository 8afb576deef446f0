import { useMutation } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useMe, useRefreshSession } from "@/app/session";
import { knownLanguage, LANGUAGES, speak } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { useRoleName } from "@/ui/useRoleName";

export function ProfileSection() {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  const refresh = useRefreshSession();
  const save = useMutation({
    mutationFn: async (body: { display_name: string; language: string }) => {
      await take(api.PATCH("/api/v1/auth/me", { body }));
      const tag = knownLanguage(body.language);
      if (tag) await speak(tag, true);
      await refresh();
    },
  });
  return (
    <Section title={t("me.profile")} hint={`${me.email} · ${roleName(me.role)}`}>
      <p className="flex flex-wrap items-center gap-2">
        {t("me.clearance")} <LabelBadges classification={me.clearance} exportControl={me.export_eligible ? "controlled" : "none"} />
      </p>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          save.mutate({ display_name: String(data.get("display_name")).trim(), language: String(data.get("language")) });
        }}
      >
        <ProblemNotice error={save.error} />
        {save.isSuccess && <Notice tone="good" role="status" title={t("state.saved")} />}
        <TextField label={t("me.display_name")} name="display_name" defaultValue={me.display_name} maxLength={120} autoComplete="name" required />
        <SelectField label={t("language.label")} name="language" defaultValue={me.language}>
          {!LANGUAGES.some(({ tag }) => tag === me.language) && <option value={me.language}>{me.language}</option>}
          {LANGUAGES.map(({ tag, name }) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </SelectField>
        <Button look="primary" type="submit" className="self-start" busy={save.isPending}>
          {t("action.save")}
        </Button>
      </form>
    </Section>
  );
}
