import { Download, Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { saveText } from "@/ui/saveText";
import { useMemoryChanges } from "./useMemories";

interface Props {
  /** The agent that the list shows alone. */
  agent?: { name: string; title: string };
}

/** Taking everything along, tidying up, and forgetting everything. */
export function TidySection({ agent }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const may = useMay();
  const { compact, forgetAll, export: taking } = useMemoryChanges();
  const [asking, setAsking] = useState(false);
  const save = () =>
    taking.mutate(undefined, {
      onSuccess: ({ items }) => saveText(t("memory.file"), JSON.stringify(items, null, 2), "application/json"),
    });
  const gone = forgetAll.data?.memories ?? compact.data?.memories;
  return (
    <Section title={t("memory.all")} hint={t("memory.all_hint")}>
      <div className="flex flex-wrap gap-3">
        <Button icon={<Download aria-hidden className="size-5" />} busy={taking.isPending} onClick={save}>
          {t("memory.export")}
        </Button>
        {may("memories.change") && (
          <>
            <Button icon={<Sparkles aria-hidden className="size-5" />} busy={compact.isPending} onClick={() => compact.mutate(undefined, { onSuccess: forgetAll.reset })}>
              {t("memory.compact")}
            </Button>
            <Button look="danger" icon={<Trash2 aria-hidden className="size-5" />} onClick={() => setAsking(true)}>
              {agent ? t("memory.forget_agent") : t("memory.forget_all")}
            </Button>
          </>
        )}
      </div>
      <ProblemNotice error={taking.error ?? compact.error} />
      <p role="status">{gone !== undefined && (gone === 0 ? t("memory.none_gone") : t("memory.gone", { count: gone, number: number(gone) }))}</p>
      <ConfirmDialog
        open={asking}
        title={agent ? t("memory.forget_agent") : t("memory.forget_all")}
        what={agent ? t("memory.forget_agent_what", { agent: agent.title }) : t("memory.forget_all_what")}
        confirm={t("memory.forget")}
        busy={forgetAll.isPending}
        error={forgetAll.error}
        onConfirm={() => forgetAll.mutate(agent?.name, { onSuccess: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      />
    </Section>
  );
}
