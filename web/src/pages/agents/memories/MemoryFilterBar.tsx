import { useTranslation } from "@/i18n/useTranslation";
import { SelectField, TextField } from "@/ui/Field";
import { useTyped } from "@/ui/useTyped";
import { KINDS, type MemoryFilters } from "./useMemories";

interface Props {
  agents: { name: string; title: string }[];
  filters: MemoryFilters;
  onFilter: (change: MemoryFilters) => void;
}

/** Which agent, which kind, which words. */
export function MemoryFilterBar({ agents, filters, onFilter }: Props) {
  const { t } = useTranslation();
  const { text, setText } = useTyped(filters.text, (words) => onFilter({ text: words }));
  return (
    <div role="search" className="grid items-end gap-3 sm:grid-cols-3">
      <TextField label={t("memory.search")} type="search" value={text} onChange={(event) => setText(event.target.value)} />
      <SelectField label={t("memory.agent")} value={filters.agent ?? ""} onChange={(event) => onFilter({ agent: event.target.value || undefined })}>
        <option value="">{t("memory.any_agent")}</option>
        {agents.map(({ name, title }) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </SelectField>
      <SelectField label={t("memory.kind_label")} value={filters.kind ?? ""} onChange={(event) => onFilter({ kind: event.target.value || undefined })}>
        <option value="">{t("memory.any_kind")}</option>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`memory.kind.${kind}`)}
          </option>
        ))}
      </SelectField>
    </div>
  );
}
