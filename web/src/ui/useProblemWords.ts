import { ApiProblem, Unreachable } from "@/api/problem";
import type { ProblemDocument } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";

export interface ProblemWords {
  title: string;
  next: string | null;
  fields: { field: string; reason: string }[];
  reference: string | null;
}

type Translate = (key: string) => string;

/** What happened and what to do next, in the reader's language where the catalogue knows it. */
export function useProblemWords(): (error: unknown) => ProblemWords {
  const { t, i18n } = useTranslation();
  const say = t as Translate;
  return (error) => {
    if (error instanceof Unreachable) {
      return { title: t("problem.unreachable.title"), next: t("problem.unreachable.next"), fields: [], reference: null };
    }
    if (!(error instanceof ApiProblem)) {
      return { title: t("problem.unknown.title"), next: t("problem.unknown.next"), fields: [], reference: null };
    }
    const known = i18n.exists(`problem.${error.code}.title`);
    return {
      title: known ? say(`problem.${error.code}.title`) : error.document.title || t("problem.unknown.title"),
      next: known ? say(`problem.${error.code}.next`) : error.document.detail || null,
      fields: fieldsOf(error.document),
      reference: error.document.request_id ?? null,
    };
  };
}

const fieldsOf = (document: ProblemDocument) => document.errors ?? [];
