import { CLASSIFICATIONS, ROLES, type User } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { CheckField, SelectField } from "@/ui/Field";

type Rights = Pick<User, "role" | "clearance" | "export_eligible">;

/** What somebody may do and see. */
export function RightsFields({ rights }: { rights: Rights }) {
  const { t } = useTranslation();
  return (
    <>
      <SelectField label={t("role.label")} hint={t("role.hint")} name="role" defaultValue={rights.role}>
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {t(`role.${role}`)}
          </option>
        ))}
      </SelectField>
      <SelectField label={t("user.clearance")} hint={t("user.clearance_hint")} name="clearance" defaultValue={rights.clearance}>
        {CLASSIFICATIONS.map((value) => (
          <option key={value} value={value}>
            {t(`classification.${value}`)}
          </option>
        ))}
      </SelectField>
      <CheckField label={t("user.export_eligible")} name="export_eligible" defaultChecked={rights.export_eligible} />
    </>
  );
}

export const rightsOf = (data: FormData): Rights => ({
  role: String(data.get("role")),
  clearance: String(data.get("clearance")),
  export_eligible: data.get("export_eligible") !== null,
});
