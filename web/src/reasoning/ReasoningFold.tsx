import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";

interface Props {
  title: string;
  steps?: number;
  tokens?: number;
  elapsedMs?: number;
  /** Whether it is shown at first. */
  open?: boolean;
  onToggle?: (open: boolean) => void;
  children: ReactNode;
}

/** A line that says how much was thought, and unfolds. */
export function ReasoningFold({ title, steps, tokens, elapsedMs, open, onToggle, children }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const costs = [
    steps ? t("reasoning.step_count", { count: steps }) : null,
    tokens ? t("reasoning.tokens", { count: tokens, number: number(tokens) }) : null,
    elapsedMs ? duration(elapsedMs, "short") : null,
  ];
  return (
    <details
      open={open}
      onToggle={(event) => onToggle?.(event.currentTarget.open)}
      className="group/fold rounded-md border bg-surface"
    >
      <summary className="flex min-h-target list-none flex-wrap items-center gap-x-3 rounded-md px-3 py-2 hover:bg-hover [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-5 shrink-0 text-muted transition-transform group-open/fold:rotate-90" />
        <span className="grow font-medium">{title}</span>
        <span className="text-sm text-muted tabular-nums">{costs.filter(Boolean).join(" · ")}</span>
      </summary>
      <div className="border-t px-3 pt-1 pb-2">{children}</div>
    </details>
  );
}
