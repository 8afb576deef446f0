import type { ReactNode } from "react";
import type { Agent } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { useAgentWords } from "@/reasoning/useAgentWords";
import { CeilingBadge, TierBadge } from "./SpecialistCard";
import { ToolList } from "./ToolList";

/** The texts of the house are broken into lines of a hundred characters and more: those go on. */
const unwrapped = (text: string): string => text.trim().replace(/(.{90,})\n(?=\S)/g, "$1 ");

/** What a specialist is told, has and may. */
export function SpecialistDetails({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const { purpose } = useAgentWords()(agent);
  return (
    <>
      <p>{purpose}</p>
      <dl className="flex flex-col">
        <Row label={t("specialist_field.tools")}>
          {agent.tools.length ? <ToolList tools={agent.tools} /> : t("specialists.no_tools")}
        </Row>
        <Row label={t("specialist_field.tier")}>
          <TierBadge tier={agent.tier} />
        </Row>
        <Row label={t("specialist_field.ceiling")}>
          <CeilingBadge ceiling={agent.ceiling} />
        </Row>
        <Row label={t("specialist_field.turns")}>{number(agent.turns)}</Row>
        <Row label={t("specialist_field.answer_tokens")}>{number(agent.answer_tokens)}</Row>
        <Row label={t("specialist_field.signals")}>{agent.signals.join(", ")}</Row>
      </dl>
      <Part title={t("specialist_field.instructions")}>
        <p className="rounded-md bg-sunken p-3 whitespace-pre-line">{unwrapped(agent.instructions)}</p>
      </Part>
      {agent.examples.length > 0 && (
        <Part title={t("specialist_field.examples")}>
          <ul className="flex flex-col gap-3">
            {agent.examples.map((example, index) => (
              <li key={index} className="rounded-md border p-3">
                <p className="font-medium">{example.task}</p>
                <p className="mt-1 whitespace-pre-line text-muted">{unwrapped(example.answer)}</p>
              </li>
            ))}
          </ul>
        </Part>
      )}
    </>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-3 border-b py-2 last:border-0 sm:grid-cols-[12rem_1fr]">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-semibold">{title}</h3>
      {children}
    </section>
  );
}
