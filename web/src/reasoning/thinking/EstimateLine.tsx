import { Coins } from "lucide-react";
import type { ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { ProblemNotice } from "@/ui/ProblemNotice";
import type { Wish } from "./tools";
import type { useEstimate } from "./useEstimate";

interface Props {
  wish: Wish;
  estimate: ReturnType<typeof useEstimate>;
  /** Tokens after which it is stopped. */
  budget: number | undefined;
}

/** What a run will cost at most, before it begins. */
export function EstimateLine({ wish, estimate, budget }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const { data, error, fresh } = estimate;
  if (error && wish.question.trim()) {
    // What is wrong with a field stands beside it.
    const said = error instanceof ApiProblem && Boolean(error.document.errors?.length);
    return said ? null : <ProblemNotice error={error} />;
  }
  const line = (text: ReactNode) => (
    <p role="status" className="flex items-start gap-3 rounded-md bg-sunken px-4 py-3">
      <Coins aria-hidden className="mt-0.5 size-5 shrink-0 text-muted" />
      <span>{text}</span>
    </p>
  );
  if (!wish.question.trim()) return line(t("thinking.estimate_first"));
  if (!data || !fresh) return line(t("thinking.estimating"));
  return line(
    <>
      <strong>{t("thinking.estimate", { count: data.tokens, number: number(data.tokens) })}</strong>{" "}
      {t("thinking.estimate_calls", { count: data.calls })}
      {wish.withDocuments && <> {t("thinking.estimate_documents")}</>}
      {budget !== undefined && budget < data.tokens && <> {t("thinking.estimate_over")}</>}
    </>,
  );
}
