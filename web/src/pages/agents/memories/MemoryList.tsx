import { useState } from "react";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { EditMemoryDialog } from "./EditMemoryDialog";
import { MemoryRow } from "./MemoryRow";
import { useMemories, useMemoryChanges, type Memory, type MemoryFilters } from "./useMemories";

interface Props {
  filters: MemoryFilters;
  agents: { name: string; title: string }[];
}

/** The memories that fit, newest first. */
export function MemoryList({ filters, agents }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const memories = useMemories(filters);
  const [editing, setEditing] = useState<Memory | null>(null);
  const [forgetting, setForgetting] = useState<Memory | null>(null);
  const { forget } = useMemoryChanges();
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = memories;
  const items = memories.data?.pages.flatMap((page) => page.items) ?? [];
  const narrowed = Object.values(filters).some(Boolean);
  const changes = may("memories.change");
  const titleOf = (name: string) => agents.find((agent) => agent.name === name)?.title ?? name;
  return (
    <>
      {memories.isPending && <Skeleton lines={5} />}
      <ProblemNotice error={memories.error} />
      {items.length > 0 && (
        <ul className="flex flex-col">
          {items.map((memory) => (
            <MemoryRow
              key={memory.id}
              memory={memory}
              agent={titleOf(memory.agent)}
              onEdit={changes ? () => setEditing(memory) : undefined}
              onForget={changes ? () => setForgetting(memory) : undefined}
            />
          ))}
        </ul>
      )}
      <p role="status" className="text-muted empty:absolute">
        {memories.isSuccess && items.length === 0 && (narrowed ? t("memory.none_found") : t("memory.none"))}
      </p>
      {hasNextPage && (
        <Button className="self-start" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
      {editing && <EditMemoryDialog key={editing.id} memory={editing} onClose={() => setEditing(null)} />}
      <ConfirmDialog
        open={forgetting !== null}
        title={t("memory.forget_title")}
        what={t("memory.forget_what", { text: forgetting?.text ?? "" })}
        confirm={t("memory.forget")}
        busy={forget.isPending}
        error={forget.error}
        onConfirm={() => forgetting && forget.mutate(forgetting, { onSuccess: () => setForgetting(null) })}
        onClose={() => setForgetting(null)}
      />
    </>
  );
}
