import { ApiProblem } from "@/api/problem";
import type { DocumentDetails, Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { useProblemWords } from "@/ui/useProblemWords";

interface Props {
  revision: Revision;
  problems: DocumentDetails["page_problems"];
}

/** What of a document could not be read, page by page. */
export function PageProblems({ revision, problems }: Props) {
  const { t } = useTranslation();
  const words = useProblemWords();
  const { error } = revision;
  const whole = error && words(new ApiProblem({ ...error, type: "", title: error.detail, status: 422 }));
  return (
    <>
      {whole && (
        <Notice tone="bad" title={whole.title}>
          {whole.next}
        </Notice>
      )}
      {problems.length > 0 && (
        <Notice tone="warn" title={t("document.page_problems", { count: problems.length })}>
          <ul>
            {problems.map(({ page, state, reason }) => (
              <li key={page}>
                {t("source.page", { page })}: {t(state === "needs_ocr" ? "page_state.needs_ocr" : "page_state.failed")}
                {reason && ` (${reason})`}
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}
