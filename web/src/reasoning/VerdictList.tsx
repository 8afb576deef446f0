import { Check, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import type { Verdict } from "./steps";
import { useStrikeWords } from "./useStrikeWords";

/** What the check said of each sentence; those that were struck are shown on request. */
export function VerdictList({ verdicts }: { verdicts: readonly Verdict[] }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  if (!verdicts.length) return null;
  const struck = verdicts.filter(({ supported }) => !supported);
  return (
    <div className="flex flex-col items-start gap-2">
      <ul className="flex w-full flex-col gap-2" aria-label={t("reasoning.verdicts")}>
        {verdicts.map((verdict, index) =>
          verdict.supported ? (
            <li key={index} className="flex gap-2">
              <Check aria-label={t("reasoning.supported")} className="mt-1 size-4 shrink-0 text-good" role="img" />
              <span className="min-w-0 wrap-anywhere">{verdict.text}</span>
            </li>
          ) : (
            shown && <StruckItem key={index} text={verdict.text} strike={verdict.strike} />
          ),
        )}
      </ul>
      {struck.length > 0 && (
        <Button look="quiet" className="-ml-4 text-sm" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? t("reasoning.hide_struck") : t("reasoning.show_struck", { count: struck.length })}
        </Button>
      )}
    </div>
  );
}

interface StruckProps {
  text: string;
  strike: Verdict["strike"];
}

/** A sentence that did not pass, and why. */
export function StruckItem({ text, strike }: StruckProps) {
  const words = useStrikeWords();
  return (
    <li className="flex gap-2">
      <X aria-hidden className="mt-1 size-4 shrink-0 text-bad" />
      <span className="min-w-0 wrap-anywhere">
        <del className="text-muted">{text}</del>
        {strike && <span className="block text-sm text-bad">{words(strike)}</span>}
      </span>
    </li>
  );
}
