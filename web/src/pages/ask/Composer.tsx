import { ArrowUp, Square } from "lucide-react";
import { useEffect, useRef } from "react";
import { withWords } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { lazily } from "@/ui/lazily";

const AnswererPicker = lazily(withWords(["agents"], () => import("@/reasoning/AnswererPicker")), "AnswererPicker");

const CHARACTERS_MAX = 10_000;

interface Props {
  value: string;
  onChange: (text: string) => void;
  onSend: (question: string) => void;
  onStop: () => void;
  busy: boolean;
  /** Who shall answer; nobody in particular when absent. */
  agent: string | undefined;
  onAgent: (agent: string | undefined) => void;
}

/** Where one asks. Enter sends, with Shift it makes a line. */
export function Composer({ value, onChange, onSend, onStop, busy, agent, onAgent }: Props) {
  const { t } = useTranslation();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (globalThis.matchMedia?.("(pointer: fine)").matches) area.current?.focus();
  }, []);
  const send = () => {
    const question = value.trim();
    if (question && !busy) onSend(question);
  };
  const button = "inline-flex size-11 shrink-0 items-center justify-center rounded-md bg-accent text-on-accent hover:bg-accent-strong disabled:opacity-50";
  return (
    <form
      className="no-print px-4 pb-4 sm:px-6"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="mx-auto flex max-w-reading items-end gap-2 rounded-lg border border-edge bg-surface p-2 shadow-raised has-[textarea:focus-visible]:outline-3 has-[textarea:focus-visible]:outline-accent">
        <label htmlFor="question" className="sr-only">
          {t("ask.question")}
        </label>
        <textarea
          id="question"
          ref={area}
          name="message"
          rows={1}
          value={value}
          maxLength={CHARACTERS_MAX}
          placeholder={t("ask.placeholder")}
          aria-describedby="question-hint"
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
          className="field-sizing-content max-h-48 min-h-target min-w-0 grow resize-none bg-transparent px-2 py-2.5 outline-none"
        />
        {busy ? (
          <button type="button" className={button} aria-label={t("ask.stop")} title={t("ask.stop")} onClick={onStop}>
            <Square aria-hidden className="size-5" fill="currentColor" />
          </button>
        ) : (
          <button type="submit" className={button} aria-label={t("ask.send")} title={t("ask.send")} disabled={!value.trim()}>
            <ArrowUp aria-hidden className="size-5" />
          </button>
        )}
      </div>
      <div className="mx-auto flex min-h-12 max-w-reading flex-wrap items-center gap-x-3 pt-1">
        <AnswererPicker agent={agent} onChange={onAgent} />
        <p id="question-hint" className="min-w-40 flex-1 text-right text-xs text-muted">
          {t("ask.hint")}
        </p>
      </div>
    </form>
  );
}
