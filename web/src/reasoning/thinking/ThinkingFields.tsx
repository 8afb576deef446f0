import { ChevronRight } from "lucide-react";
import type { ApiProblem } from "@/api/problem";
import { TIERS } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { CheckField, SelectField, TextAreaField, TextField } from "@/ui/Field";
import { faultOf } from "../faultOf";
import { BUDGET_MOST, DRAFT_MAX, MEMBERS, QUESTION_MAX, ROUNDS, type Tool, type Wish } from "./tools";

interface Props {
  tool: Tool;
  wish: Wish;
  onChange: (part: Partial<Wish>) => void;
  problem: ApiProblem | null;
  estimate: number | undefined;
}

/** What is to be thought about, and with how much. */
export function ThinkingFields({ tool, wish, onChange, problem, estimate }: Props) {
  const { t } = useTranslation();
  const wired = (field: string, name: "question" | "draft" | "members" | "rounds" | "tier" | "budget" | "seed") => ({
    fault: faultOf(problem, field),
    value: wish[name],
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
  const members = MEMBERS[tool];
  return (
    <>
      <TextAreaField label={t("playground.question")} {...wired("question", "question")} rows={2} maxLength={QUESTION_MAX} required />
      <TextAreaField label={t("thinking.draft")} hint={t("thinking.draft_hint")} {...wired("draft", "draft")} rows={3} maxLength={DRAFT_MAX} />
      <CheckField
        label={t("thinking.with_documents")}
        hint={t("thinking.with_documents_hint")}
        checked={wish.withDocuments}
        onChange={(event) => onChange({ withDocuments: event.target.checked })}
      />
      <details className="group">
        <summary className="flex min-h-target list-none items-center gap-2 rounded-sm font-medium hover:bg-hover [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden className="size-5 text-muted transition-transform group-open:rotate-90" />
          {t("playground.settings")}
        </summary>
        <div className="grid gap-4 py-3 sm:grid-cols-2">
          {members && (
            <TextField
              label={t(tool === "council" ? "thinking.members" : "thinking.attackers")}
              type="number"
              min={members.least}
              max={members.most}
              placeholder={String(members.usual)}
              hint={t("thinking.range", { least: members.least, most: members.most })}
              {...wired("members", "members")}
            />
          )}
          {tool === "council" && (
            <TextField
              label={t("thinking.rounds")}
              type="number"
              min={ROUNDS.least}
              max={ROUNDS.most}
              placeholder={String(ROUNDS.usual)}
              hint={t("thinking.range", { least: ROUNDS.least, most: ROUNDS.most })}
              {...wired("rounds", "rounds")}
            />
          )}
          <SelectField label={t("playground.tier")} {...wired("tier", "tier")}>
            <option value="">{t("thinking.heavy_usual")}</option>
            {TIERS.map((tier) => (
              <option key={tier} value={tier}>
                {t(`tier_name.${tier}`)}
              </option>
            ))}
          </SelectField>
          <TextField
            label={t("playground.budget")}
            type="number"
            min={1}
            max={BUDGET_MOST}
            placeholder={estimate === undefined ? undefined : String(estimate)}
            hint={t("thinking.budget_hint")}
            {...wired("budget_tokens", "budget")}
          />
          <TextField label={t("playground.seed")} type="number" min={0} hint={t("playground.seed_hint")} {...wired("seed", "seed")} />
        </div>
      </details>
    </>
  );
}
