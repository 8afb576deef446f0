import { Link } from "@tanstack/react-router";
import { SquarePen } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { buttonClass } from "@/ui/Button";

export function NewQuestionLink({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation();
  return (
    <Link
      to="/ask/{-$conversationId}"
      params={{ conversationId: undefined }}
      className={buttonClass(compact ? "quiet" : "primary", compact ? "px-3" : "w-full")}
    >
      <SquarePen aria-hidden className="size-5" />
      <span className={compact ? "sr-only sm:not-sr-only" : undefined}>{t("nav.new_question")}</span>
    </Link>
  );
}
