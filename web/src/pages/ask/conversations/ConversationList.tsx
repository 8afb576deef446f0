import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useSettled } from "@/ui/useSettled";
import { ConversationItem } from "./ConversationItem";
import { useConversations, useFoundConversations } from "./useConversations";

/** What one has asked before, newest first, or where words occur in it. */
export function ConversationList() {
  const { t } = useTranslation();
  const [words, setWords] = useState("");
  const sought = useSettled(words.trim());
  const searching = sought.length > 1;
  return (
    <section aria-labelledby="conversations" className="flex min-h-0 grow flex-col gap-2">
      <h2 id="conversations" className="px-3 text-sm font-medium text-muted">
        {t("conversations.title")}
      </h2>
      <input
        type="search"
        value={words}
        onChange={(event) => setWords(event.target.value)}
        aria-label={t("conversations.search")}
        placeholder={t("conversations.search")}
        className="min-h-target rounded-md border border-edge bg-surface px-3"
      />
      <div className="-mx-1 min-h-32 grow overflow-y-auto px-1">{searching ? <Found words={sought} /> : <All />}</div>
    </section>
  );
}

function All() {
  const { t } = useTranslation();
  const list = useConversations();
  if (list.isPending) return <Skeleton lines={5} className="px-3 py-2" />;
  if (list.isError) return <ProblemNotice error={list.error} />;
  const items = list.data.pages.flatMap((page) => page.items);
  if (!items.length) return <p className="px-3 py-2 text-sm text-muted">{t("conversations.none")}</p>;
  return (
    <>
      <ul className="flex flex-col">
        {items.map((conversation) => (
          <ConversationItem key={conversation.id} conversation={conversation} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button look="quiet" className="w-full" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </>
  );
}

function Found({ words }: { words: string }) {
  const { t } = useTranslation();
  const found = useFoundConversations(words);
  if (found.isPending) return <Skeleton lines={3} className="px-3 py-2" />;
  if (found.isError) return <ProblemNotice error={found.error} />;
  const first = new Map(found.data.items.map((hit) => [hit.conversation.id, hit]));
  return (
    <>
      <p role="status" className="px-3 py-1 text-sm text-muted">
        {t("conversations.found", { count: first.size })}
      </p>
      <ul className="flex flex-col">
        {[...first.values()].map((hit) => (
          <ConversationItem key={hit.message_id} conversation={hit.conversation} excerpt={hit.excerpt} />
        ))}
      </ul>
    </>
  );
}
