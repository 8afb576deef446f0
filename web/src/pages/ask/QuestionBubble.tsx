import { Pencil } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";

interface Props {
  question: string;
  onEdit: (question: string) => void;
}

export function QuestionBubble({ question, onEdit }: Props) {
  const { t } = useTranslation();
  return (
    <div className="flex items-start justify-end gap-1">
      <IconButton label={t("ask.edit")} className="no-print" onClick={() => onEdit(question)}>
        <Pencil aria-hidden className="size-4" />
      </IconButton>
      <h2 className="max-w-[85%] rounded-lg bg-accent-soft px-4 py-2.5 font-normal whitespace-pre-wrap">{question}</h2>
    </div>
  );
}
