import { useTranslation } from "@/i18n/useTranslation";
import type { ExportWords } from "./markdown";

export function useExportWords(): ExportWords {
  const { t } = useTranslation();
  return {
    refused: t("refusal.title"),
    sources: t("ask.sources"),
    place: ({ revision_number, page }) =>
      `${t("revision.number", { number: revision_number })}, ${t("source.page", { page })}`,
  };
}
