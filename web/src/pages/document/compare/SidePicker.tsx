import type { Revision } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { SelectField } from "@/ui/Field";
import { RevisionStateBadge } from "../../documents/RevisionStateBadge";

interface Props {
  legend: string;
  revisions: readonly Revision[];
  revision: Revision;
  page: number;
  onRevision: (revision: Revision) => void;
  onPage: (page: number) => void;
}

/** Which revision and page stands on a side. */
export function SidePicker({ legend, revisions, revision, page, onRevision, onPage }: Props) {
  const { t } = useTranslation();
  const { date } = useFormats();
  const pages = Array.from({ length: revision.page_count ?? 1 }, (_, index) => index + 1);
  return (
    <fieldset className="flex min-w-0 flex-col gap-2 rounded-lg border bg-surface p-4">
      <legend className="px-1 font-semibold">{legend}</legend>
      <div className="grid grid-cols-[1fr_6rem] gap-3">
        <SelectField
          label={t("compare.revision")}
          value={revision.id}
          onChange={(event) => {
            const next = revisions.find(({ id }) => id === event.target.value);
            if (next) onRevision(next);
          }}
        >
          {revisions.map(({ id, number, uploaded_at }) => (
            <option key={id} value={id}>
              {`${t("revision.number", { number })} · ${date(uploaded_at)}`}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("compare.page")} value={page} onChange={(event) => onPage(Number(event.target.value))}>
          {pages.map((number) => (
            <option key={number}>{number}</option>
          ))}
        </SelectField>
      </div>
      <p className="flex flex-wrap gap-1">
        <RevisionStateBadge revision={revision} />
        <LabelBadges classification={revision.classification} exportControl={revision.export_control} />
      </p>
    </fieldset>
  );
}
