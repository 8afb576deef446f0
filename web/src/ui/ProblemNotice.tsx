import type { ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { useTranslation } from "@/i18n/useTranslation";
import { Countdown } from "./Countdown";
import { Notice } from "./Notice";
import { useProblemWords } from "./useProblemWords";

interface Props {
  error: unknown;
  children?: ReactNode;
}

/** What failed, which field, what to do next, and the reference for the administrator. */
export function ProblemNotice({ error, children }: Props) {
  const { t } = useTranslation();
  const words = useProblemWords();
  if (!error) return null;
  const { title, next, fields, reference } = words(error);
  const retryAfterS = error instanceof ApiProblem ? error.retryAfterS : null;
  return (
    <Notice tone="bad" role="alert" title={title}>
      {next && <p>{next}</p>}
      {retryAfterS !== null && <Countdown key={reference} seconds={retryAfterS} />}
      {fields.length > 0 && (
        <ul className="list-disc pl-5">
          {fields.map(({ field, reason }) => (
            <li key={field}>
              <code>{field}</code>: {reason}
            </li>
          ))}
        </ul>
      )}
      {reference && (
        <p className="text-sm text-muted">
          {t("problem.reference")} <code className="select-all">{reference}</code>
        </p>
      )}
      {children}
    </Notice>
  );
}
