import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileText } from "lucide-react";
import { api, take } from "@/api/client";
import { useMay, useMe } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Mark } from "@/shell/Mark";
import { buttonClass } from "@/ui/Button";
import { SuggestedQuestions } from "./SuggestedQuestions";

const SHOWN = 4;

/** What a person sees who has not asked yet: what can be asked, and of what. */
export function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  const { t } = useTranslation();
  const { ago } = useFormats();
  const me = useMe();
  const may = useMay();
  const documents = useQuery({
    queryKey: ["documents", "newest"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/documents", { params: { query: { limit: SHOWN, state: "ready" } }, signal })),
  });
  const items = documents.data?.items ?? [];
  return (
    <div className="flex flex-col gap-8 pt-[8vh]">
      <div className="flex flex-col gap-3">
        <Mark />
        <p className="text-3xl font-semibold text-balance">{t("ask.welcome", { name: me.display_name })}</p>
        <p className="text-lg text-muted">{t("ask.welcome_hint")}</p>
      </div>
      {items.length > 0 && <SuggestedQuestions onAsk={onAsk} />}
      {documents.isSuccess && items.length === 0 && (
        <div className="flex flex-col items-start gap-3">
          <p>{may("documents.upload") ? t("ask.no_documents_upload") : t("ask.no_documents")}</p>
          {may("documents.upload") && (
            <Link to="/documents" className={buttonClass("primary")}>
              {t("documents.upload")}
            </Link>
          )}
        </div>
      )}
      {items.length > 0 && (
        <section aria-labelledby="newest" className="flex flex-col gap-3">
          <h2 id="newest" className="text-sm font-medium text-muted">
            {t("ask.newest")}
          </h2>
          <ul className="grid gap-3 sm:grid-cols-2">
            {items.map((document) => (
              <li key={document.id}>
                <Link
                  to="/documents/$documentId"
                  params={{ documentId: document.id }}
                  className="flex h-full min-h-16 items-center gap-3 rounded-md border bg-surface p-3 hover:bg-hover"
                >
                  <FileText aria-hidden className="size-5 shrink-0 text-muted" />
                  <span className="min-w-0">
                    <span className="line-clamp-2 font-medium">{document.title}</span>
                    <span className="block truncate text-sm text-muted">
                      {document.key} · {ago(document.updated_at)}
                    </span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
