import { X } from "lucide-react";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "./Button";
import { cx } from "./cx";
import { LayerContext } from "./layer";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** A dialog in the middle, or a sheet from the side. */
  side?: "middle" | "left" | "right";
  className?: string;
}

const PLACES = {
  middle: "m-auto w-[min(32rem,calc(100vw-2rem))] max-h-[calc(100dvh-2rem)] rounded-lg",
  left: "mr-auto h-dvh max-h-dvh w-[min(20rem,calc(100vw-3rem))]",
  right: "ml-auto h-dvh max-h-dvh w-[min(46rem,100vw)] max-w-none",
};

/**
 * The browser's own modal dialog: it holds the focus, closes on Escape and gives the focus back.
 */
export function Dialog({ open, onClose, title, children, side = "middle", className }: Props) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDialogElement>(null);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (open && dialog && !dialog.open) dialog.showModal();
    setLayer(dialog);
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
      className={cx("bg-surface text-ink shadow-raised", PLACES[side])}
    >
      <div className={cx("flex h-full max-h-[inherit] flex-col", className)}>
        <header className="flex items-center gap-2 border-b py-2 pr-2 pl-5">
          <h2 id={titleId} className="grow truncate text-lg font-semibold">
            {title}
          </h2>
          <IconButton label={t("action.close")} onClick={onClose}>
            <X aria-hidden />
          </IconButton>
        </header>
        <div className="min-h-0 grow overflow-y-auto p-5">
          <LayerContext value={layer}>{children}</LayerContext>
        </div>
      </div>
    </dialog>
  );
}
