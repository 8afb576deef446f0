import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";
import { CLASSIFICATIONS, ROLES, type SettingsPatch, type SettingsView } from "@/api/types";
import { useMay } from "@/app/session";
import { LANGUAGES } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { DailySection } from "./DailySection";
import { UsageSection } from "./UsageSection";

export function SettingsPage() {
  const { t } = useTranslation();
  const settings = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/settings", { signal })),
  });
  const may = useMay();
  useTitle(t("admin.settings"));
  return (
    <>
      <UsageSection />
      {may("metrics.read") && <DailySection />}
      <Section title={t("settings.title")}>
        {settings.isPending && <Skeleton lines={5} />}
        <ProblemNotice error={settings.error} />
        {settings.data && <SettingsForm settings={settings.data} />}
      </Section>
    </>
  );
}

function SettingsForm({ settings }: { settings: SettingsView }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (body: SettingsPatch) => takeWithStepUp(() => api.PATCH("/api/v1/admin/settings", { body })),
    onSuccess: (changed) => client.setQueryData(["settings"], changed),
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        save.mutate({
          upload_default_classification: String(data.get("classification")),
          user_default_language: String(data.get("language")),
          second_factor_roles: data.getAll("role").map(String),
          audit_retention_days: Number(data.get("retention")),
        });
      }}
    >
      <ProblemNotice error={save.error} />
      {save.isSuccess && <Notice tone="good" role="status" title={t("state.saved")} />}
      <SelectField label={t("settings.classification")} hint={t("settings.classification_hint")} name="classification" defaultValue={settings.upload_default_classification}>
        {CLASSIFICATIONS.map((value) => (
          <option key={value} value={value}>
            {t(`classification.${value}`)}
          </option>
        ))}
      </SelectField>
      <SelectField label={t("settings.language")} name="language" defaultValue={settings.user_default_language}>
        {LANGUAGES.map(({ tag, name }) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField
        label={t("settings.retention")}
        hint={t("settings.retention_hint")}
        name="retention"
        type="number"
        min={90}
        max={36525}
        required
        defaultValue={settings.audit_retention_days}
      />
      <fieldset>
        <legend className="font-medium">{t("settings.factor_roles")}</legend>
        {ROLES.map((role) => (
          <CheckField key={role} label={t(`role.${role}`)} name="role" value={role} defaultChecked={settings.second_factor_roles.includes(role)} />
        ))}
      </fieldset>
      <Button look="primary" type="submit" className="self-start" busy={save.isPending}>
        {t("action.save")}
      </Button>
    </form>
  );
}
