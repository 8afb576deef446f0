import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";
import { LivePanel } from "./LivePanel";
import type { Streamed } from "./useStreamed";

/** How far work has come, step by step, and how it ended without a result. */
export function RunState({ work }: { work: Streamed<unknown> }) {
  const { t } = useTranslation();
  const { state, events, error } = work;
  return (
    <>
      <div role="status">{state === "running" && <Spinner>{t("playground.running")}</Spinner>}</div>
      {events.length > 0 && <LivePanel events={events} live={state === "running"} />}
      {state === "stopped" && <Notice role="status" title={t("playground.stopped")} />}
      {state === "failed" && <ProblemNotice error={error} />}
    </>
  );
}
