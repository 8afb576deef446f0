import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import type { AuditFilters } from "./useAudit";

const OUTCOMES = ["success", "denied", "failed"] as const;
const TEXTS = ["action", "actor", "object"] as const;

interface Props {
  filters: AuditFilters;
  onChange: (change: AuditFilters) => void;
}

/** A day as people name it, as the moment in which it begins here. */
const moment = (day: string, days = 0): string | undefined => {
  if (!day) return undefined;
  const begins = new Date(`${day}T00:00:00`);
  begins.setDate(begins.getDate() + days);
  return begins.toISOString();
};

/** The day on which a moment falls here. */
const dayOf = (iso: string | null | undefined, days = 0): string => {
  if (!iso) return "";
  const date = new Date(iso);
  date.setDate(date.getDate() + days);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
};

export function AuditFilterBar({ filters, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <form
      role="search"
      className="grid grid-cols-1 items-end gap-3 sm:grid-cols-3 lg:grid-cols-4"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const text = (name: string) => String(data.get(name) ?? "").trim() || undefined;
        onChange({
          action: text("action"),
          actor: text("actor"),
          object: text("object"),
          outcome: text("outcome"),
          from: moment(text("from") ?? ""),
          until: moment(text("until") ?? "", 1),
        });
      }}
    >
      {TEXTS.map((name) => (
        <TextField key={name} label={t(`audit.${name}`)} hint={t(`audit.${name}_hint`)} name={name} defaultValue={filters[name] ?? ""} />
      ))}
      <SelectField label={t("audit.outcome")} hint={"\u00a0"} name="outcome" defaultValue={filters.outcome ?? ""}>
        <option value="">{t("audit.any_outcome")}</option>
        {OUTCOMES.map((outcome) => (
          <option key={outcome} value={outcome}>
            {t(`outcome.${outcome}`)}
          </option>
        ))}
      </SelectField>
      <TextField label={t("audit.from")} name="from" type="date" defaultValue={dayOf(filters.from)} />
      <TextField label={t("audit.until")} name="until" type="date" defaultValue={dayOf(filters.until, -1)} />
      <Button type="submit">{t("audit.filter")}</Button>
    </form>
  );
}
