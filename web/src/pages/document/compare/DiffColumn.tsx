import { useTranslation } from "@/i18n/useTranslation";
import type { Stretch } from "./wordDiff";

interface Props {
  stretches: Stretch[];
  side: "older" | "newer";
}

/** One side of a comparison. What the other lacks is marked by more than its colour. */
export function DiffColumn({ stretches, side }: Props) {
  const { t } = useTranslation();
  const Mark = side === "older" ? "del" : "ins";
  const look = side === "older" ? "bg-bad-soft text-bad line-through" : "bg-good-soft text-good underline";
  const said = side === "older" ? t("compare.gone") : t("compare.new");
  return (
    <div className="rounded-md border bg-surface p-4 leading-relaxed whitespace-pre-wrap">
      {stretches.map(({ text, own }, index) =>
        own ? (
          <Mark key={index} className={`rounded-sm decoration-2 underline-offset-2 ${look}`}>
            <span className="sr-only">{`[${said}: `}</span>
            {text}
            <span className="sr-only">]</span>
          </Mark>
        ) : (
          <span key={index}>{text}</span>
        ),
      )}
    </div>
  );
}
