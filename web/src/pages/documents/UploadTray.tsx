import { useQueryClient } from "@tanstack/react-query";
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { UploadRow } from "./UploadRow";
import { clearEndedUploads, isActive, onUploadEnd, useUploads } from "./uploads";

/** What was handed over and how far each file is, on whatever page one is. */
export function UploadTray() {
  const { t } = useTranslation();
  const uploads = useUploads();
  const client = useQueryClient();
  const [open, setOpen] = useState(true);
  useEffect(() => onUploadEnd(() => void client.invalidateQueries({ queryKey: ["documents"] })), [client]);
  const active = uploads.filter(isActive).length;
  useEffect(() => {
    if (!active) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [active]);
  if (!uploads.length) return null;
  const failed = uploads.filter((upload) => upload.state === "failed").length;
  const words = active
    ? t("upload.going_on", { count: active })
    : failed
      ? t("upload.ended_failed", { count: failed })
      : t("upload.ended");
  return (
    <section
      aria-labelledby="uploads"
      className="no-print flex max-h-[40dvh] shrink-0 flex-col border-t bg-raised"
    >
      <header className="flex items-center gap-1 py-1 pr-1 pl-4">
        <h2 id="uploads" className="min-w-0 grow truncate font-semibold">
          <span role="status">{words}</span>
        </h2>
        <IconButton label={open ? t("upload.fold") : t("upload.unfold")} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronDown aria-hidden /> : <ChevronUp aria-hidden />}
        </IconButton>
        {active === 0 && (
          <IconButton label={t("action.close")} onClick={clearEndedUploads}>
            <X aria-hidden />
          </IconButton>
        )}
      </header>
      {open && (
        <ul className="min-h-0 overflow-y-auto border-t">
          {uploads.map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  );
}
