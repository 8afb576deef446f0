import { useMemo, useState } from "react";
import { CLASSIFICATIONS, type Passage } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { FACETS, narrowed, stillThere, valuesOf, type Chosen, type FacetName, type FacetValue } from "./facets";

interface FacetState {
  passages: Passage[];
  chosen: Chosen;
  choose: (name: FacetName, value: string | undefined) => void;
  shown: Passage[];
}

/** By what the hits can be narrowed down, and what is left then. */
export function useFacets(passages: Passage[]): FacetState {
  const [wished, setWished] = useState<Chosen>({});
  const chosen = useMemo(() => stillThere(passages, wished), [passages, wished]);
  const shown = useMemo(() => narrowed(passages, chosen), [passages, chosen]);
  const choose = (name: FacetName, value: string | undefined) => setWished({ ...chosen, [name]: value });
  return { passages, chosen, choose, shown };
}

/** More of a kind than this hide the hits. */
const VALUES_SHOWN = 6;

export function Facets({ facets: { passages, chosen, choose } }: { facets: FacetState }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const wordsOf = useFacetWords();
  const labels = { document: t("search.by_document"), classification: t("classification.label"), language: t("language.label") };
  return FACETS.map((name) => {
    const values = valuesOf(passages, name, chosen);
    if (values.length < 2 && !chosen[name]) return null;
    const shown = values.filter(({ value }, index) => all || index < VALUES_SHOWN || value === chosen[name]);
    return (
      <div key={name} role="group" aria-label={labels[name]} className="-mx-1 flex gap-2 overflow-x-auto p-1 sm:flex-wrap">
        {shown.map((value) => {
          const on = chosen[name] === value.value;
          return (
            <button
              key={value.value}
              type="button"
              aria-pressed={on}
              onClick={() => choose(name, on ? undefined : value.value)}
              className={cx(
                "inline-flex min-h-target max-w-72 shrink-0 items-center gap-2 rounded-md border px-3 text-sm sm:max-w-full",
                on ? "border-accent bg-accent-soft text-accent-strong" : "bg-surface hover:bg-hover",
              )}
            >
              <span className="truncate">{wordsOf(name, value)}</span>
              <span className="tabular-nums">{value.count}</span>
            </button>
          );
        })}
        {shown.length < values.length && (
          <Button look="quiet" className="shrink-0 text-sm" onClick={() => setAll(true)}>
            {t("action.more")}
          </Button>
        )}
      </div>
    );
  });
}

/** What a value of a facet is called. */
function useFacetWords(): (name: FacetName, value: FacetValue) => string {
  const { t, i18n } = useTranslation();
  const languages = new Intl.DisplayNames(i18n.language, { type: "language" });
  return (name, { value, example }) => {
    if (name === "document") return example.document_title;
    if (name === "language") return languages.of(value) ?? value;
    const known = CLASSIFICATIONS.find((one) => one === value);
    return known ? t(`classification.${known}`) : value;
  };
}
