import { Link } from "@tanstack/react-router";
import type { Document } from "@/api/types";
import { useMe } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { buttonClass } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { usePersonName } from "../admin/users/usePersonName";
import { useCitingAnswers } from "./useDocument";

/** Which answers quoted the revision that counts: one's own, and those of all for administrators. */
export function CitingList({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { exact } = useFormats();
  const nameOf = usePersonName();
  const me = useMe();
  const answers = useCitingAnswers(document.id, document.current.id);
  return (
    <Section title={t("document.asked")} hint={t("document.asked_hint")}>
      {answers.isPending && <Skeleton lines={2} />}
      <ProblemNotice error={answers.error} />
      {answers.data?.items.length === 0 && <p className="text-muted">{t("document.asked_none")}</p>}
      <ul className="flex max-h-80 flex-col overflow-y-auto">
        {answers.data?.items.map((answer) => (
          <li key={answer.message_id} className="flex min-h-target flex-wrap items-center gap-x-4 border-b py-1 last:border-0">
            <span className="min-w-0 grow">
              {answer.asked_by === me.id ? t("document.asked_you") : nameOf(answer.asked_by)}
              <span className="block text-sm text-muted">
                {`${exact(answer.answered_at)} · ${t("document.asked_pages", { count: answer.pages.length, pages: answer.pages.join(", ") })}`}
              </span>
            </span>
            {answer.asked_by === me.id && (
              <Link to="/ask/{-$conversationId}" params={{ conversationId: answer.conversation_id }} className={buttonClass("quiet", "text-sm")}>
                {t("document.asked_open")}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}
