import { CLASSIFICATIONS } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useTyped } from "@/ui/useTyped";
import type { DocumentFilters } from "./useDocuments";

const STATES = ["queued", "processing", "ready", "failed", "cancelled"] as const;
/** What files are by their content. */
const FORMATS = ["pdf", "docx", "markdown", "text"] as const;
/** How the revision that is shown counts now. */
const STANDINGS = ["valid", "upcoming", "expired", "superseded", "withdrawn", "not_ready"] as const;
/** Languages that documents of a plant are in; others are found by their tag in the address. */
const DOCUMENT_LANGUAGES = ["de", "en", "cs"];

interface Props {
  filters: DocumentFilters;
  onChange: (change: DocumentFilters) => void;
}

const CONTROL = "min-h-target min-w-0 rounded-md border border-edge bg-surface px-3";

export function DocumentFilterBar({ filters, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const { text, setText } = useTyped(filters.text, (words) => onChange({ text: words }));
  const names = new Intl.DisplayNames(i18n.language, { type: "language" });
  return (
    <div role="search" className="grid grid-cols-2 gap-2 sm:flex sm:flex-wrap">
      <input
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label={t("documents.filter_text")}
        placeholder={t("documents.filter_text")}
        className={`${CONTROL} col-span-2 grow`}
      />
      <Choice
        label={t("documents.state")}
        value={filters.state}
        options={STATES.map((value) => [value, t(`revision_state.${value}`)])}
        onChange={(state) => onChange({ state })}
      />
      <Choice
        label={t("documents.type")}
        value={filters.format}
        options={FORMATS.map((value) => [value, t(`documents.format.${value}`)])}
        onChange={(format) => onChange({ format })}
      />
      <Choice
        label={t("documents.validity")}
        value={filters.standing}
        options={STANDINGS.map((value) => [value, t(`standing.${value}`)])}
        onChange={(standing) => onChange({ standing })}
      />
      <Choice
        label={t("classification.label")}
        value={filters.classification}
        options={CLASSIFICATIONS.map((value) => [value, t(`classification.${value}`)])}
        onChange={(classification) => onChange({ classification })}
      />
      <Choice
        label={t("language.label")}
        value={filters.language}
        options={DOCUMENT_LANGUAGES.map((tag) => [tag, names.of(tag) ?? tag])}
        onChange={(language) => onChange({ language })}
      />
      <input
        value={filters.tag ?? ""}
        onChange={(event) => onChange({ tag: event.target.value || undefined })}
        aria-label={t("documents.tag")}
        placeholder={t("documents.tag")}
        className={`${CONTROL} sm:w-36`}
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string | null | undefined;
  options: [value: string, label: string][];
  onChange: (value: string | undefined) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  const { t } = useTranslation();
  return (
    <select aria-label={label} value={value ?? ""} onChange={(event) => onChange(event.target.value || undefined)} className={CONTROL}>
      <option value="">{t("documents.any", { what: label })}</option>
      {options.map(([one, words]) => (
        <option key={one} value={one}>
          {words}
        </option>
      ))}
    </select>
  );
}
