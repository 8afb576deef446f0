import { useQuery } from "@tanstack/react-query";
import { MessageCircleQuestion } from "lucide-react";
import { api, take } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { Skeleton } from "@/ui/States";

/** The documents do not change that often, and each look stands in the log. */
const FRESH_MS = 60 * 60_000;

/** Questions that the documents are known to answer. */
export function SuggestedQuestions({ onAsk }: { onAsk: (question: string) => void }) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const questions = useQuery({
    queryKey: ["documents", "questions", language],
    queryFn: ({ signal }) => take(api.GET("/api/v1/documents/questions", { params: { query: { language } }, signal })),
    staleTime: FRESH_MS,
  });
  if (questions.isPending) return <Skeleton lines={3} />;
  if (!questions.data?.items.length) return null;
  return (
    <section aria-labelledby="suggested" className="flex flex-col gap-3">
      <h2 id="suggested" className="text-sm font-medium text-muted">
        {t("ask.suggested")}
      </h2>
      <ul className="grid gap-2 sm:grid-cols-2">
        {questions.data.items.map((question) => (
          <li key={question.text}>
            <button
              type="button"
              lang={question.language}
              onClick={() => onAsk(question.text)}
              className="flex h-full min-h-target w-full items-center gap-3 rounded-md border bg-surface px-3 py-2 text-left hover:bg-hover"
            >
              <MessageCircleQuestion aria-hidden className="size-5 shrink-0 text-accent" />
              {question.text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
