import { useNavigate, useSearch } from "@tanstack/react-router";
import { BookOpenText, Upload } from "lucide-react";
import { useState, type DragEvent } from "react";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Empty, Skeleton } from "@/ui/States";
import { DocumentFilterBar } from "./DocumentFilterBar";
import { DocumentTable } from "./DocumentTable";
import { droppedFiles } from "./droppedFiles";
import { UploadDialog } from "./UploadDialog";
import { useDocuments, type DocumentFilters } from "./useDocuments";

export function DocumentsPage() {
  const { t } = useTranslation();
  const filters: DocumentFilters = useSearch({ from: "/documents" });
  const navigate = useNavigate({ from: "/documents" });
  const list = useDocuments(filters);
  const mayUpload = useMay()("documents.upload");
  const [upload, setUpload] = useState<{ files: File[] } | null>(null);
  const [over, setOver] = useState(false);
  useTitle(t("nav.documents"));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  // Asking while something is under way would break that off. One that failed is asked for again by the person, not
  // without end by the page.
  const more = () => !list.isFetching && !list.isFetchNextPageError && void list.fetchNextPage();
  const filtered = Object.values(filters).some(Boolean);

  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = await droppedFiles(event.dataTransfer);
    if (files.length) setUpload({ files });
  };
  const dropping = mayUpload && {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (event.currentTarget === event.target) setOver(false);
    },
    onDrop: (event: DragEvent) => void drop(event),
  };
  return (
    <div {...dropping} className={over ? "h-full outline-4 -outline-offset-4 outline-accent outline-dashed" : "h-full"}>
      <div className="mx-auto flex h-full max-w-6xl flex-col gap-4 px-4 py-6 sm:px-6">
        <header className="flex flex-wrap items-center gap-3">
          <h1 className="grow text-2xl font-semibold">{t("nav.documents")}</h1>
          {mayUpload && (
            <Button look="primary" icon={<Upload aria-hidden className="size-5" />} onClick={() => setUpload({ files: [] })}>
              {t("documents.upload")}
            </Button>
          )}
        </header>
        <DocumentFilterBar
          filters={filters}
          onChange={(change) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true })}
        />
        <ProblemNotice error={list.error}>
          {list.isFetchNextPageError && <Button onClick={() => void list.fetchNextPage()}>{t("action.try_again")}</Button>}
        </ProblemNotice>
        {list.isPending && <Skeleton lines={8} />}
        <div role="status" className="empty:absolute">
          {list.isSuccess && items.length === 0 && (
            <Empty icon={<BookOpenText aria-hidden className="size-10" />} title={filtered ? t("documents.none_found") : t("documents.none")}>
              {filtered ? (
                <Button onClick={() => void navigate({ search: {} })}>{t("documents.clear_filters")}</Button>
              ) : (
                mayUpload && <p>{t("documents.none_next")}</p>
              )}
            </Empty>
          )}
        </div>
        {items.length > 0 && (
          <DocumentTable items={items} more={list.hasNextPage} onMore={more} />
        )}
      </div>
      {upload && <UploadDialog open onClose={() => setUpload(null)} dropped={upload.files} />}
    </div>
  );
}
