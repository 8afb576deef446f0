import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Search, SearchX } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { api, take } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { SourceProvider } from "@/source/SourceProvider";
import { Button } from "@/ui/Button";
import { CheckField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Empty, Skeleton } from "@/ui/States";
import { useTyped } from "@/ui/useTyped";
import { Facets, useFacets } from "./Facets";
import { PassageItem } from "./PassageItem";

const LIMIT = 30;
/** Each search stands in the log: it is made once somebody pauses, and not for a single letter. */
const TYPING = { charactersMin: 2, settleMs: 400 };

export function SearchPage() {
  return (
    <SourceProvider>
      <SearchView />
    </SourceProvider>
  );
}

function SearchView() {
  const { t } = useTranslation();
  const { q } = useSearch({ from: "/search" });
  const navigate = useNavigate({ from: "/search" });
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Where typing brings a keyboard up over the page, it waits for a touch.
    if (globalThis.matchMedia?.("(pointer: fine)").matches) field.current?.focus();
  }, []);
  const go = (words: string | undefined) => void navigate({ search: { q: words }, replace: true });
  const { text, setText, now } = useTyped(q, go, TYPING);
  const [pages, setPages] = useState(false);
  const found = useQuery({
    queryKey: ["search", q],
    queryFn: ({ signal }) => take(api.POST("/api/v1/search", { body: { query: q ?? "", limit: LIMIT }, signal })),
    enabled: Boolean(q),
    placeholderData: (before) => (q ? before : undefined),
  });
  const facets = useFacets(found.data?.passages ?? []);
  return (
    <Page title={t("nav.search")}>
      <form
        role="search"
        className="flex gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          now();
        }}
      >
        <input
          ref={field}
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label={t("search.words")}
          aria-describedby="search-hint"
          placeholder={t("search.words")}
          maxLength={1000}
          className="min-h-12 min-w-0 grow rounded-md border border-edge bg-surface px-4 text-lg"
        />
        <Button look="primary" type="submit" icon={<Search aria-hidden className="size-5" />} busy={found.isFetching}>
          {t("nav.search")}
        </Button>
      </form>
      <p id="search-hint" className="-mt-4 text-sm text-muted">
        {t("search.hint")}
      </p>
      <ProblemNotice error={found.error} />
      {found.isLoading && <Skeleton lines={8} />}
      {found.data?.degraded && <Notice tone="warn" title={t("search.degraded")} />}
      {found.data && found.data.passages.length === 0 && (
        <Empty icon={<SearchX aria-hidden className="size-10" />} title={t("search.none")}>
          <p>{t("search.none_next")}</p>
        </Empty>
      )}
      {found.data && found.data.passages.length > 0 && (
        <>
          <div className="flex flex-col gap-2">
            <div className="flex flex-wrap items-center gap-x-4">
              <p role="status" className="grow text-muted">
                {t("search.found", { count: facets.shown.length })}
              </p>
              <CheckField label={t("search.pages")} checked={pages} onChange={(event) => setPages(event.target.checked)} />
            </div>
            <Facets facets={facets} />
          </div>
          <ol className="flex flex-col gap-3">
            {facets.shown.map((passage, index) => (
              <PassageItem key={passage.chunk_id} passages={facets.shown} index={index} query={q ?? ""} pages={pages} />
            ))}
          </ol>
        </>
      )}
    </Page>
  );
}
