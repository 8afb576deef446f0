import { BotMessageSquare, ChevronDown } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Menu, type MenuEntry } from "@/ui/Menu";
import { useAgentsThere } from "./useAgents";
import { useAgentTitle, useAgentWords } from "./useAgentWords";
import { useModelThere } from "./useModelThere";

const WAYS = ["auto", "quote", "generated", "reason"] as const;
const AUTO = "auto";

interface Props {
  /** A way of answering, or a specialist by its name; nobody in particular when absent. */
  agent: string | undefined;
  onChange: (agent: string | undefined) => void;
}

/**
 * Who is to answer: whom the tenant has set, the documents, a model, one that reasons, or a specialist,
 * who reasons with its own tools.
 */
export function AnswererPicker({ agent, onChange }: Props) {
  const { t } = useTranslation();
  // Asked for when somebody reaches for the picker: most questions go without it.
  const [reached, setReached] = useState(false);
  const named = agent !== undefined && !WAYS.some((one) => one === agent);
  // Without a model nobody but the documents can answer.
  const specialists = useAgentsThere(useModelThere(reached || named));
  const words = useAgentWords();
  const titleOf = useAgentTitle(specialists);
  const value = agent ?? AUTO;
  const way = WAYS.find((one) => one === value);
  const choose = (next: string) => onChange(next === AUTO ? undefined : next);
  const hintOf = (one: (typeof WAYS)[number]) =>
    one === AUTO && specialists.length > 0 ? t("answerer_hint.auto_specialist") : t(`answerer_hint.${one}`);
  const entries: MenuEntry[] = [
    {
      choice: t("answerer.label"),
      value,
      options: WAYS.map((one) => ({ value: one, label: t(`answerer.${one}`), hint: hintOf(one) })),
      onChange: choose,
    },
  ];
  if (specialists.length > 0) {
    const options = specialists.map((one) => {
      const { title, purpose } = words(one);
      return { value: one.name, label: title, hint: purpose };
    });
    entries.push("line", { choice: t("agents.specialists"), value, options, onChange: choose });
  }
  return (
    <Menu
      align="start"
      onReach={() => setReached(true)}
      trigger={
        <button
          type="button"
          className="inline-flex min-h-target items-center gap-2 rounded-md px-2 text-sm text-muted hover:bg-hover hover:text-ink"
        >
          <BotMessageSquare aria-hidden className="size-4" />
          <span className="sr-only">{t("answerer.label")}: </span>
          {way ? t(`answerer.${way}`) : titleOf(value)}
          <ChevronDown aria-hidden className="size-4" />
        </button>
      }
      entries={entries}
    />
  );
}
