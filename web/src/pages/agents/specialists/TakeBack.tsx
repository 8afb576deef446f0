import type { Agent } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { takeBackName, type Field } from "./override";

const HINTED = ["tools", "turns", "answer_tokens", "signals", "ceiling"] as const;

/** Whether there is anything to say beside a field. */
export const isHinted = (agent: Agent, field: Field): boolean =>
  agent.changed.includes(field) || HINTED.some((one) => one === field);

/** What a field is for, and for one that the tenant has changed a way back. */
export function TakeBack({ agent, field }: { agent: Agent; field: Field }) {
  const { t } = useTranslation();
  const hinted = HINTED.find((one) => one === field);
  return (
    <>
      {hinted && t(`specialist_hint.${hinted}`)}
      {agent.changed.includes(field) && (
        <label className="flex min-h-target items-center gap-3 text-ink">
          <input type="checkbox" name={takeBackName(field)} className="size-5 accent-accent" />
          {t("specialists.take_back", { field: t(`specialist_field.${field}`) })}
        </label>
      )}
    </>
  );
}
