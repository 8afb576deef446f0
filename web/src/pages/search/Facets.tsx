import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Passage } from "@/api/types";
import { cx } from "@/ui/cx";

interface FacetState {
  documents: { key: string; title: string; count: number }[];
  chosen: string | null;
  choose: (key: string | null) => void;
  shown: Passage[];
}

/** The documents in which something was found, to look at one of them alone. */
export function useFacets(passages: Passage[]): FacetState {
  const [chosen, choose] = useState<string | null>(null);
  const documents = useMemo(() => {
    const byKey = new Map<string, { key: string; title: string; count: number }>();
    for (const { document_key: key, document_title: title } of passages) {
      const known = byKey.get(key) ?? { key, title, count: 0 };
      byKey.set(key, { ...known, count: known.count + 1 });
    }
    return [...byKey.values()].sort((a, b) => b.count - a.count);
  }, [passages]);
  const valid = documents.some(({ key }) => key === chosen) ? chosen : null;
  const shown = valid ? passages.filter((passage) => passage.document_key === valid) : passages;
  return { documents, chosen: valid, choose, shown };
}

export function Facets({ facets: { documents, chosen, choose } }: { facets: FacetState }) {
  const { t } = useTranslation();
  if (documents.length < 2) return null;
  return (
    <div role="group" aria-label={t("search.by_document")} className="flex flex-wrap gap-2">
      {documents.map(({ key, title, count }) => (
        <button
          key={key}
          type="button"
          aria-pressed={chosen === key}
          onClick={() => choose(chosen === key ? null : key)}
          className={cx(
            "inline-flex min-h-target max-w-full items-center gap-2 rounded-md border px-3 text-sm",
            chosen === key ? "border-accent bg-accent-soft text-accent-strong" : "bg-surface hover:bg-hover",
          )}
        >
          <span className="truncate">{title}</span>
          <span className="tabular-nums">{count}</span>
        </button>
      ))}
    </div>
  );
}
