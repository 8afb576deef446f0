import { ChevronRight } from "lucide-react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { usePerspective } from "../usePerspective";
import { Bullets } from "./parts";
import type { Member } from "./report";

/** What a member held, what it answered the others, and how it voted. */
export function CouncilMember({ member }: { member: Member }) {
  const { t } = useTranslation();
  const { percent } = useFormats();
  const perspective = usePerspective();
  const { opinion, rebuttals, vote } = member;
  const last = rebuttals.at(-1);
  const confidence = percent((last?.confidence ?? opinion.confidence) / 100);
  return (
    <li className="rounded-md border">
      <details className="group">
        <summary className="flex min-h-target list-none items-center gap-2 rounded-md px-3 py-2 hover:bg-hover [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden className="size-5 shrink-0 text-muted transition-transform group-open:rotate-90" />
          <span className="grow font-medium">{perspective(member.role)}</span>
          <span className="text-right text-sm text-muted">
            {t("council.confidence", { confidence })} · {vote ? t("council.option", { number: vote.option }) : t("council.no_vote")}
          </span>
        </summary>
        <div className="flex flex-col gap-3 border-t p-3">
          <p>{opinion.position}</p>
          <Bullets title={t("council.reasons")} items={opinion.reasons} />
          <Bullets title={t("council.unknowns")} items={opinion.unknowns} />
          {rebuttals.map((rebuttal) => (
            <div key={rebuttal.round} className="flex flex-col gap-1">
              <Bullets title={t("council.rebuttal", { round: rebuttal.round })} items={rebuttal.points} />
              {rebuttal.changed && <p>{t("council.changed", { position: rebuttal.position })}</p>}
            </div>
          ))}
          {vote && <p className="text-muted">{t("council.vote_reason", { number: vote.option, reason: vote.reason })}</p>}
        </div>
      </details>
    </li>
  );
}
