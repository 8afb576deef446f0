import { ChevronLeft, ChevronRight, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { useShortcutsOn } from "@/shell/shortcutsOn";
import { IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { lazily } from "@/ui/lazily";
import { SourceContext, type Sources } from "./SourceContext";
import type { SourceTarget } from "./target";
import { useWide } from "./useWide";

const SourcePanel = lazily(() => import("./SourcePanel"), "SourcePanel");

/** A page with room beside it for what is cited: a column where it is wide, a sheet where not. */
export function SourceProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [targets, setTargets] = useState<SourceTarget[]>([]);
  const [index, setIndex] = useState(0);
  const opener = useRef<Element | null>(null);
  const wide = useWide();
  const open = useCallback((next: SourceTarget[], at: number) => {
    opener.current = document.activeElement;
    setTargets(next);
    setIndex(at);
  }, []);
  const close = useCallback(() => {
    setTargets([]);
    if (opener.current instanceof HTMLElement) opener.current.focus();
  }, []);
  const sources = useMemo<Sources>(() => ({ targets, index, open, close }), [targets, index, open, close]);
  const target = targets[index];
  useStepKeys(targets.length, setIndex);
  const steps = target && targets.length > 1 && (
    <div className="flex items-center">
      <IconButton label={t("source.previous")} disabled={index === 0} onClick={() => setIndex(index - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <p aria-live="polite" className="text-sm whitespace-nowrap tabular-nums">
        {t("source.position", { number: index + 1, count: targets.length })}
      </p>
      <IconButton label={t("source.next")} disabled={index === targets.length - 1} onClick={() => setIndex(index + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </div>
  );
  return (
    <SourceContext value={sources}>
      <div className="flex h-full">
        <div className="h-full min-w-0 grow">{children}</div>
        {target && wide && <Column target={target} steps={steps} onClose={close} />}
      </div>
      {target && !wide && (
        <Dialog open onClose={close} title={target.document_title} side="right">
          {steps}
          <SourcePanel target={target} />
        </Dialog>
      )}
    </SourceContext>
  );
}

function Column({ target, steps, onClose }: { target: SourceTarget; steps: ReactNode; onClose: () => void }) {
  const { t } = useTranslation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section
      aria-labelledby="source-title"
      className="no-print flex h-full w-[min(46%,46rem)] shrink-0 flex-col border-l bg-ground"
      onKeyDown={(event) => event.key === "Escape" && onClose()}
    >
      <header className="flex items-center gap-1 border-b bg-surface py-1 pr-1 pl-4">
        <h2 id="source-title" ref={heading} tabIndex={-1} className="min-w-0 grow truncate font-semibold outline-none">
          {target.document_title}
        </h2>
        {steps}
        <IconButton label={t("action.close")} onClick={onClose}>
          <X aria-hidden />
        </IconButton>
      </header>
      <div className="min-h-0 grow overflow-y-auto p-4">
        <SourcePanel target={target} />
      </div>
    </section>
  );
}

/** Steps through the citations with `[` and `]`. */
function useStepKeys(count: number, step: (change: (index: number) => number) => void) {
  const on = useShortcutsOn();
  useEffect(() => {
    if (!on || count < 2) return;
    const listen = (event: KeyboardEvent) => {
      if (event.target instanceof Element && event.target.closest("input, textarea, select")) return;
      if (event.key === "[") step((index) => Math.max(0, index - 1));
      if (event.key === "]") step((index) => Math.min(count - 1, index + 1));
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [count, on, step]);
}
