import { FolderUp, Upload as UploadIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { buttonClass } from "@/ui/Button";
import { ENDINGS, folderFiles } from "./folderFiles";

const SHOWN_MAX = 6;

interface Props {
  files: readonly File[];
  several: boolean;
  onFiles: (files: readonly File[]) => void;
}

/** Files or a whole folder, and which they are. */
export function FileChoice({ files, several, onFiles }: Props) {
  const { t } = useTranslation();
  const { bytes } = useFormats();
  // React knows no attribute of this name, browsers all do.
  const asFolder = (input: HTMLInputElement | null) => input?.setAttribute("webkitdirectory", "");
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap gap-2">
        <Chooser
          icon={<UploadIcon aria-hidden className="size-5" />}
          label={several ? t("upload.choose_several") : t("upload.choose")}
          multiple={several}
          accept={ENDINGS.join()}
          onChange={(event) => onFiles([...(event.target.files ?? [])])}
        />
        {several && (
          <Chooser
            ref={asFolder}
            icon={<FolderUp aria-hidden className="size-5" />}
            label={t("upload.choose_folder")}
            onChange={(event) => onFiles(folderFiles([...(event.target.files ?? [])]))}
          />
        )}
      </div>
      {files.length > 0 && (
        <ul className="rounded-md bg-sunken px-3 py-2 text-sm">
          {files.slice(0, SHOWN_MAX).map((file, index) => (
            <li key={index} className="flex gap-3">
              <span className="min-w-0 grow truncate">{file.webkitRelativePath || file.name}</span>
              <span className="text-muted tabular-nums">{bytes(file.size)}</span>
            </li>
          ))}
          {files.length > SHOWN_MAX && <li>{t("upload.and_more", { count: files.length - SHOWN_MAX })}</li>}
        </ul>
      )}
      <p className="text-sm text-muted">{t("upload.formats")}</p>
    </div>
  );
}

function Chooser({ icon, label, ...rest }: { icon: ReactNode; label: string } & ComponentProps<"input">) {
  return (
    <label className={buttonClass("secondary", "focus-within:outline-3 focus-within:outline-accent")}>
      {icon}
      {label}
      <input {...rest} type="file" className="sr-only" />
    </label>
  );
}
