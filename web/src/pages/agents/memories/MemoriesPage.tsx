import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { useAgentsThere } from "@/reasoning/useAgents";
import { useAgentWords } from "@/reasoning/useAgentWords";
import { Button } from "@/ui/Button";
import { Section, useTitle } from "@/ui/Page";
import { AddMemoryDialog } from "./AddMemoryDialog";
import { ConsentSection } from "./ConsentSection";
import { MemoryFilterBar } from "./MemoryFilterBar";
import { MemoryList } from "./MemoryList";
import { TidySection } from "./TidySection";
import { KINDS, useConsent, type MemoryFilters } from "./useMemories";

/** What agents remember about the person who looks. */
export function MemoriesPage() {
  const { t } = useTranslation();
  const filters = useSearch({ from: "/agents/memories" });
  const navigate = useNavigate({ from: "/agents/memories" });
  const wordsOf = useAgentWords();
  const agents = useAgentsThere().map((agent) => ({ name: agent.name, title: wordsOf(agent).title }));
  const allowed = useConsent().data?.allowed ?? false;
  const may = useMay();
  const [adding, setAdding] = useState(false);
  useTitle(t("nav.memories"));
  const filter = (part: MemoryFilters) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const kind = KINDS.find((one) => one === filters.kind);
  const add = may("memories.change") && allowed && (
    <Button icon={<Plus aria-hidden className="size-5" />} onClick={() => setAdding(true)}>
      {t("memory.add")}
    </Button>
  );
  return (
    <>
      <ConsentSection />
      <Section title={t("memory.about_you")} hint={t("memory.hint")} actions={add}>
        <MemoryFilterBar agents={agents} filters={{ ...filters, kind }} onFilter={filter} />
        <MemoryList filters={{ ...filters, kind }} agents={agents} />
      </Section>
      <TidySection agent={agents.find(({ name }) => name === filters.agent)} />
      {adding && <AddMemoryDialog agents={agents} agent={filters.agent} onClose={() => setAdding(false)} />}
    </>
  );
}
