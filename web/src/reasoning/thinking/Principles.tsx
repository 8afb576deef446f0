import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Bullets, Heading, Points } from "./parts";
import type { PrinciplesReport } from "./report";

const JUDGED_TONES = { holds: "good", doubtful: "warn", false: "bad", unjudged: "plain" } as const;

/** What was taken for granted, what can be built on, and the conclusion built anew. */
export function Principles({ report }: { report: PrinciplesReport }) {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  const basis = (word: string) => (i18n.exists(`principles_basis.${word}`) ? say(`principles_basis.${word}`) : word);
  return (
    <div className="flex flex-col gap-4 wrap-anywhere">
      <div>
        <p className="text-lg font-semibold">{report.conclusion ?? t("principles.no_conclusion")}</p>
        {report.differs !== null && <p className="text-muted">{t(report.differs ? "principles.differs" : "principles.agrees")}</p>}
      </div>
      {report.assumptions.length > 0 && (
        <section className="flex flex-col gap-2">
          <Heading>{t("principles.assumptions")}</Heading>
          <Points>
            {report.assumptions.map(({ number, text, judged, because }) => (
              <li key={number} className="flex flex-col gap-1 rounded-md border p-3">
                <span className="flex items-start gap-2">
                  <span className="min-w-0 grow">{text}</span>
                  <Badge tone={JUDGED_TONES[judged]}>{t(`principles_judged.${judged}`)}</Badge>
                </span>
                {because && <span className="text-sm text-muted">{because}</span>}
              </li>
            ))}
          </Points>
        </section>
      )}
      {report.fundamentals.length > 0 && (
        <section className="flex flex-col gap-2">
          <Heading>{t("principles.fundamentals")}</Heading>
          <ol className="list-decimal pl-6">
            {report.fundamentals.map((one) => (
              <li key={one.number} value={one.number}>
                {one.text} <span className="text-sm text-muted">({basis(one.basis)})</span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {report.derivation.length > 0 && (
        <section className="flex flex-col gap-2">
          <Heading>{t("principles.derivation")}</Heading>
          <Points>
            {report.derivation.map((step, index) => (
              <li key={index} className="border-l-2 pl-3">
                {step.text} <span className="text-sm text-muted">{t("principles.from", { numbers: step.from.join(", ") })}</span>
              </li>
            ))}
          </Points>
        </section>
      )}
      <Bullets title={t("principles.open_questions")} items={report.open_questions} />
      {report.unfounded_steps > 0 && <p className="text-sm text-muted">{t("principles.unfounded", { count: report.unfounded_steps })}</p>}
    </div>
  );
}
