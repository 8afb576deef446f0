import { useTranslation } from "@/i18n/useTranslation";
import { SelectField, TextAreaField, TextField } from "@/ui/Field";
import { dayOf } from "./days";
import { IMPORTANCES } from "./useMemories";

const TEXT_CHARS = 1000;
const IMPORTANCE = 3;

interface Props {
  text?: string;
  importance?: number;
  expiresAt?: string | null;
  faults: ReadonlyMap<string, string>;
}

/** What adding and changing have in common. */
export function MemoryFields({ text, importance = IMPORTANCE, expiresAt, faults }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <TextAreaField label={t("memory.text")} hint={t("memory.text_hint")} fault={faults.get("text")} name="text" rows={3} maxLength={TEXT_CHARS} defaultValue={text} required />
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label={t("memory.importance")} hint={t("memory.importance_hint")} fault={faults.get("importance")} name="importance" defaultValue={importance}>
          {IMPORTANCES.map((step) => (
            <option key={step} value={step}>
              {t(`memory.importances.${step}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t("memory.expires")}
          hint={t("memory.expires_hint")}
          fault={faults.get("expires_at")}
          name="expires"
          type="date"
          min={dayOf(new Date().toISOString())}
          defaultValue={dayOf(expiresAt)}
        />
      </div>
    </>
  );
}
