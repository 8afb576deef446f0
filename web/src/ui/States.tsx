import { LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { cx } from "./cx";

/** Keeps the place of lines that are on their way. */
export function Skeleton({ lines = 3, className }: { lines?: number; className?: string }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t("state.loading")} className={cx("flex flex-col gap-3", className)}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={cx("h-5 animate-pulse rounded-sm bg-hover", line % 3 === 2 ? "w-2/3" : "w-full")} />
      ))}
    </div>
  );
}

export function Spinner({ children }: { children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-2 text-muted">
      <LoaderCircle aria-hidden className="size-5 animate-spin" />
      {children}
    </span>
  );
}

interface EmptyProps {
  icon?: ReactNode;
  title: string;
  /** Whether it is all that the page is. */
  heading?: boolean;
  children?: ReactNode;
}

/** What a page says that has nothing to show yet. */
export function Empty({ icon, title, heading = false, children }: EmptyProps) {
  const Title = heading ? "h1" : "p";
  return (
    <div className="flex flex-col items-center gap-3 px-4 py-12 text-center text-muted">
      {icon}
      <Title className="text-lg font-medium text-ink">{title}</Title>
      {children}
    </div>
  );
}
