import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { CLASSIFICATIONS } from "@/api/types";
import { useSettled } from "@/ui/useSettled";
import type { DocumentFilters } from "./useDocuments";

export const STATES = ["queued", "processing", "ready", "failed", "cancelled"] as const;
/** Languages that documents of a plant are in; others are found by their tag in the address. */
const DOCUMENT_LANGUAGES = ["de", "en", "cs"];

interface Props {
  filters: DocumentFilters;
  onChange: (change: DocumentFilters) => void;
}

const CONTROL = "min-h-target min-w-0 rounded-md border border-edge bg-surface px-3";

export function DocumentFilterBar({ filters, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const [text, setText] = useState(filters.text ?? "");
  const settled = useSettled(text.trim());
  useEffect(() => {
    if (settled !== (filters.text ?? "")) onChange({ text: settled || undefined });
    // Only what was typed leads; the address follows.
  }, [settled]);
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
