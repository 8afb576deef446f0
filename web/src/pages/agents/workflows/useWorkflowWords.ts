import { useTranslation } from "@/i18n/useTranslation";
import { inWords } from "./steps";
import { useWorkflows } from "./useWorkflows";

type Translate = (key: string) => string;

interface WorkflowWords {
  /** What a workflow is called; those that people bring along under a known name keep their own title. */
  title: (workflow: { name: string; title: string }) => string;
  description: (workflow: { name: string; description: string }) => string;
  /** A field of what a workflow is given. */
  field: (workflow: string, field: string) => string;
  hint: (workflow: string, field: string) => string | undefined;
}

/** The workflows that come with the appliance in the reader's language; others in their own words. */
export function useWorkflowWords(): WorkflowWords {
  const { t, i18n } = useTranslation();
  const say = t as Translate;
  const known = useWorkflows().data?.items ?? [];
  const spoken = (key: string) => (i18n.exists(key) ? say(key) : undefined);
  return {
    title: ({ name, title }) =>
      (known.some((one) => one.name === name && one.title === title) && spoken(`workflow.known.${name}.title`)) || title,
    description: ({ name, description }) => spoken(`workflow.known.${name}.description`) ?? description,
    field: (workflow, field) => spoken(`workflow.known.${workflow}.input.${field}`) ?? inWords(field),
    hint: (workflow, field) => spoken(`workflow.known.${workflow}.hint.${field}`),
  };
}
