import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, buttonClass } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Empty, Skeleton } from "@/ui/States";
import { TraceRow } from "./TraceRow";
import { useTraces } from "./useTraces";

/** One's own runs; two of them can be put beside each other. */
export function TraceList() {
  const { t } = useTranslation();
  const traces = useTraces();
  const [picked, setPicked] = useState<string[]>([]);
  const items = traces.data?.pages.flatMap((page) => page.items) ?? [];
  // The older one stands on the left, whichever was picked first.
  const [right, left] = items.filter(({ id }) => picked.includes(id));
  const pick = (id: string, on: boolean) => setPicked((before) => (on ? [...before, id].slice(-2) : before.filter((one) => one !== id)));
  return (
    <Section
      title={t("trace.list")}
      hint={t("trace.list_hint")}
      actions={
        left &&
        right && (
          <Link to="/agents/playground/compare" search={{ left: left.id, right: right.id }} className={buttonClass("primary")}>
            {t("trace.compare")}
          </Link>
        )
      }
    >
      {traces.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={traces.error} />
      {traces.isSuccess && items.length === 0 && <Empty title={t("trace.none")} />}
      {items.length > 0 && (
        <ul className="flex flex-col">
          {items.map((trace) => (
            <TraceRow key={trace.id} trace={trace} picked={picked.includes(trace.id)} onPick={(on) => pick(trace.id, on)} />
          ))}
        </ul>
      )}
      {traces.hasNextPage && (
        <Button busy={traces.isFetchingNextPage} onClick={() => void traces.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </Section>
  );
}
