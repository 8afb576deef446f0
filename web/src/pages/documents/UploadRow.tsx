import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, RotateCcw, X } from "lucide-react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { Progress } from "@/ui/Progress";
import { useProblemWords } from "@/ui/useProblemWords";
import { cancelUpload, isActive, retryUpload, type Upload } from "./uploads";

/** One file on its way. */
export function UploadRow({ upload }: { upload: Upload }) {
  const { t } = useTranslation();
  const { file, state, uploaded } = upload;
  return (
    <li className="flex items-center gap-3 border-b px-4 py-2 last:border-0" data-state={state}>
      <div className="min-w-0 grow">
        <p className="truncate text-sm font-medium">
          {uploaded ? (
            <Link to="/documents/$documentId" params={{ documentId: uploaded.document_id }} className="underline">
              {file.name}
            </Link>
          ) : (
            file.name
          )}
        </p>
        <State upload={upload} />
      </div>
      {isActive(upload) && (
        <IconButton label={t("upload.cancel", { name: file.name })} onClick={() => void cancelUpload(upload.id)}>
          <X aria-hidden className="size-5" />
        </IconButton>
      )}
      {(state === "failed" || state === "cancelled") && (
        <IconButton label={t("upload.retry", { name: file.name })} onClick={() => retryUpload(upload.id)}>
          <RotateCcw aria-hidden className="size-5" />
        </IconButton>
      )}
    </li>
  );
}

function State({ upload }: { upload: Upload }) {
  const { t } = useTranslation();
  const { bytes, percent } = useFormats();
  const words = useProblemWords();
  const { file, state, sentBytes, job } = upload;
  switch (state) {
    case "waiting":
      return <p className="text-sm text-muted">{t("upload.waiting")}</p>;
    case "sending":
      return (
        <>
          <p className="text-sm text-muted">{t("upload.sending", { sent: bytes(sentBytes), size: bytes(file.size) })}</p>
          <Progress label={file.name} value={sentBytes} max={file.size} />
        </>
      );
    case "processing": {
      const { done, total } = job?.progress ?? { done: 0, total: null };
      const said = total
        ? t("upload.reading", { share: percent(done / total) })
        : done
          ? t("upload.reading_pages", { count: done })
          : t("upload.queued");
      return (
        <>
          <p className="text-sm text-muted">{said}</p>
          <Progress label={file.name} value={total ? done : null} max={total} />
        </>
      );
    }
    case "done":
      return (
        <p className="flex items-center gap-1 text-sm text-good">
          <CircleCheck aria-hidden className="size-4" />
          {t("upload.done")}
        </p>
      );
    case "cancelled":
      return <p className="text-sm text-muted">{t("upload.cancelled")}</p>;
    case "failed": {
      const { title, next, fields } = words(upload.error);
      const reasons = fields.map(({ field, reason }) => `${field}: ${reason}`);
      return (
        <p className="flex gap-1 text-sm text-bad">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          {[title, next, ...reasons].filter(Boolean).join(" – ")}
        </p>
      );
    }
  }
}
