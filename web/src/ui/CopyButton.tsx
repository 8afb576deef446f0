import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "./Button";

const SHOWN_MS = 2000;

interface Props {
  text: () => string;
  label?: string;
}

/** Puts text into the clipboard and says so. */
export function CopyButton({ text, label }: Props) {
  const { t } = useTranslation();
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setState("copied");
    } catch {
      setState("failed");
    }
  };
  const said = { idle: label ?? t("action.copy"), copied: t("copy.copied"), failed: t("copy.failed") }[state];
  return (
    <Button look="quiet" className="px-3 text-sm" icon={state === "copied" ? <Check aria-hidden className="size-4" /> : <Copy aria-hidden className="size-4" />} onClick={() => void copy()}>
      <span aria-live="polite">{said}</span>
    </Button>
  );
}
