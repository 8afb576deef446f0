import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import { Notice } from "@/ui/Notice";
import { usePerspective } from "../usePerspective";
import { Points } from "./parts";
import type { Finding, RedTeamReport } from "./report";

const VERDICT_TONES = { holds: "good", needs_change: "warn", fails: "bad", open: "info" } as const;
const RESPONSE_TONES = { accepted: "bad", mitigated: "good", rejected: "plain", unanswered: "warn" } as const;
/** Risks from which on a finding is told to be great, and fit to make a text fail. */
const GREAT = 12;
const MIDDLE = 6;

const riskTone = (risk: number): Tone => (risk >= GREAT ? "bad" : risk >= MIDDLE ? "warn" : "plain");

/** What was found from all sides, the greatest risk first, and what becomes of it. */
export function RedTeam({ report }: { report: RedTeamReport }) {
  const { t } = useTranslation();
  return (
    <>
      <Notice tone={VERDICT_TONES[report.verdict]} title={t(`red_team_verdict.${report.verdict}`)}>
        {t("red_team.counted", { count: report.attackers.length, findings: report.findings.length, raw: report.raw_findings })}
      </Notice>
      {report.findings.length > 0 && (
        <Points>
          {report.findings.map((finding, index) => (
            <FindingItem key={index} finding={finding} />
          ))}
        </Points>
      )}
    </>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  const perspective = usePerspective();
  const { risk, severity, likelihood, response } = finding;
  return (
    <li className="flex flex-col gap-2 rounded-md border p-3 wrap-anywhere">
      <div className="flex flex-wrap items-start gap-2">
        <h3 className="min-w-0 grow font-semibold">{finding.title}</h3>
        <Badge tone={riskTone(risk)}>{t("red_team.risk", { risk, severity, likelihood })}</Badge>
        <Badge tone={RESPONSE_TONES[response]}>{t(`red_team_response.${response}`)}</Badge>
      </div>
      <p>{finding.detail}</p>
      {finding.answer && <p className="border-l-2 pl-3 text-muted">{finding.answer}</p>}
      {finding.change && (
        <p>
          <span className="font-medium">{t("red_team.change")}</span> {finding.change}
        </p>
      )}
      <p className="text-sm text-muted">{t("red_team.found_by", { who: finding.found_by.map(perspective).join(", ") })}</p>
    </li>
  );
}
