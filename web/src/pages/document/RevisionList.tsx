import type { Document, Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Section } from "@/ui/Page";
import { RevisionItem } from "./RevisionItem";

interface Props {
  document: Document;
  revisions: Revision[];
}

/** The revisions on a line of time, newest first. */
export function RevisionList({ document, revisions }: Props) {
  const { t } = useTranslation();
  const newest = [...revisions].sort((a, b) => b.number - a.number);
  return (
    <Section title={t("document.revisions")}>
      <ol className="flex flex-col border-l-2">
        {newest.map((revision, index) => (
          <RevisionItem
            key={revision.id}
            document={document}
            revision={revision}
            before={newest.slice(index + 1).find(({ state }) => state === "ready")}
          />
        ))}
      </ol>
    </Section>
  );
}
