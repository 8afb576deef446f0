import { useParams } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { draftOf, setDraft } from "@/app/drafts";
import { useTranslation } from "@/i18n/useTranslation";
import { SourceProvider } from "@/source/SourceProvider";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { AnsweredTurn } from "./AnsweredTurn";
import { Composer } from "./Composer";
import { RunningTurn } from "./RunningTurn";
import { ThreadActions } from "./ThreadActions";
import { turnsOf } from "./turn";
import { useAsk } from "./useAsk";
import { useFollow } from "./useFollow";
import { useThread } from "./useThread";
import { Welcome } from "./Welcome";

export function AskPage() {
  return (
    <SourceProvider>
      <ThreadView />
    </SourceProvider>
  );
}

function ThreadView() {
  const { t } = useTranslation();
  const { conversationId } = useParams({ strict: false });
  const thread = useThread(conversationId);
  const [agent, setAgent] = useState<string>();
  const asking = useAsk(conversationId, agent);
  const place = conversationId ?? "new";
  const [draft, setText] = useState({ place, text: draftOf(place) });
  const text = draft.place === place ? draft.text : draftOf(place);
  const write = useCallback(
    (next: string) => {
      setDraft(place, next);
      setText({ place, text: next });
    },
    [place],
  );
  const turns = useMemo(() => turnsOf(thread.data?.messages ?? []), [thread.data]);
  const title = thread.data?.conversation?.title ?? turns[0]?.question ?? t("ask.title");
  useTitle(title);
  const follow = useFollow(`${turns.length} ${asking.running?.text.length ?? -1} ${asking.running?.steps.length ?? 0} ${asking.running?.state ?? ""}`, place);
  const running = asking.running;
  const empty = !conversationId && !running && turns.length === 0;
  const edit = useCallback(
    (question: string) => {
      write(question);
      document.getElementById("question")?.focus();
    },
    [write],
  );
  return (
    <div className="flex h-full flex-col">
      <header className="flex min-h-14 items-center gap-2 px-4 sm:px-6">
        <h1 className={empty ? "sr-only" : "min-w-0 grow truncate font-semibold"}>{title}</h1>
        {turns.length > 0 && <ThreadActions title={title} turns={turns} />}
      </header>
      <div ref={follow} className="min-h-0 grow overflow-y-auto px-4 sm:px-6 print:overflow-visible" tabIndex={0} role="region" aria-label={t("ask.thread")}>
        <div className="mx-auto flex max-w-reading flex-col gap-8 pb-8">
          {empty && <Welcome onAsk={asking.send} />}
          {conversationId && thread.isPending && !running && <Skeleton lines={6} />}
          <ProblemNotice error={thread.error} />
          {turns.map((turn) => (
            <AnsweredTurn key={turn.key} turn={turn} conversationId={conversationId} onEdit={edit} onRetry={asking.send} busy={running?.state === "running"} />
          ))}
          {running && <RunningTurn running={running} onEdit={edit} onRetry={asking.send} onDismiss={asking.dismiss} />}
        </div>
      </div>
      <Composer
        value={text}
        onChange={write}
        busy={running?.state === "running"}
        agent={agent}
        onAgent={setAgent}
        onStop={asking.stop}
        onSend={(question) => {
          write("");
          asking.send(question);
        }}
      />
    </div>
  );
}
