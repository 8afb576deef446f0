import type { Revision } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";

/** From when to when a revision counts, if that was set. */
export function ValidityLine({ revision }: { revision: Revision }) {
  const { t } = useTranslation();
  const { date } = useFormats();
  const { effective_from: from, effective_to: to } = revision;
  if (!from && !to) return null;
  const parts = [from && t("revision.valid_from", { date: date(from) }), to && t("revision.valid_to", { date: date(to) })];
  return <p className="text-sm text-muted">{parts.filter(Boolean).join(" · ")}</p>;
}
