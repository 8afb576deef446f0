import { useTranslation } from "@/i18n/useTranslation";
import { cx } from "@/ui/cx";
import { IMPORTANCES } from "./useMemories";

/** How important something is, as a row of dots of which so many are filled. */
export function Importance({ value }: { value: number }) {
  const { t } = useTranslation();
  return (
    <span role="img" aria-label={t("memory.importance_of", { value })} title={t("memory.importance_of", { value })} className="inline-flex items-center gap-1 align-middle">
      {IMPORTANCES.map((step) => (
        <span key={step} className={cx("size-2 rounded-full border border-edge", step <= value && "border-accent bg-accent")} />
      ))}
    </span>
  );
}
