import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { CouncilMember } from "./CouncilMember";
import { Heading, Points } from "./parts";
import type { CouncilReport } from "./report";
import { usePerspective } from "../usePerspective";

/** What a council decided, who voted for what, and who dissents. */
export function Council({ report }: { report: CouncilReport }) {
  const { t } = useTranslation();
  const perspective = usePerspective();
  const decided = report.options.find(({ number }) => number === report.decision);
  return (
    <>
      <div>
        <p className="text-lg font-semibold">{decided ? decided.text : t("council.undecided")}</p>
        {decided && <p className="text-muted">{t(report.majority ? "council.majority" : "council.plurality")}</p>}
        {report.conclusion && <p className="mt-2 leading-relaxed whitespace-pre-wrap">{report.conclusion}</p>}
      </div>
      {report.options.length > 0 && <Votes report={report} />}
      {report.dissent.length > 0 && (
        <section className="flex flex-col gap-2">
          <Heading>{t("council.dissent")}</Heading>
          <ul className="flex flex-col gap-2">
            {report.dissent.map((one) => (
              <li key={one.role} className="rounded-md border-l-3 border-warn bg-sunken px-3 py-2">
                <span className="font-medium">{perspective(one.role)}</span> · {t("council.option", { number: one.option })}
                <p>{one.reason}</p>
                <p className="text-sm text-muted">{one.position}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className="flex flex-col gap-2">
        <Heading>{t("council.members")}</Heading>
        <ul className="flex flex-col gap-2">
          {report.members.map((member) => (
            <CouncilMember key={member.role} member={member} />
          ))}
        </ul>
      </section>
    </>
  );
}

function Votes({ report }: { report: CouncilReport }) {
  const { t } = useTranslation();
  const perspective = usePerspective();
  const votersOf = (option: number) => report.members.filter(({ vote }) => vote?.option === option).map(({ role }) => perspective(role));
  return (
    <section className="flex flex-col gap-2">
      <Heading>{t("council.votes")}</Heading>
      <Points>
        {report.options.map(({ number, text, votes }) => (
          <li key={number} className="flex flex-col gap-1 rounded-md border p-3">
            <span className="flex items-start gap-2">
              <span className="grow">
                {number}. {text}
              </span>
              <Badge tone={number === report.decision ? "good" : "plain"}>{t("council.vote_count", { count: votes })}</Badge>
            </span>
            {votes > 0 && <span className="text-sm text-muted">{votersOf(number).join(", ")}</span>}
          </li>
        ))}
      </Points>
    </section>
  );
}
