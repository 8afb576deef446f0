import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { FeedbackEntry, FeedbackTotals } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { FEEDBACK_REASONS } from "@/pages/ask/answer/FeedbackDialog";
import { Badge, LabelBadges } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

const PAGE = 50;

const useFeedbackList = (rating: string | undefined) =>
  useInfiniteQuery({
    queryKey: ["feedback", rating ?? "all"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/feedback", { params: { query: { rating, cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** What people say about answers, without what they asked. */
export function FeedbackPage() {
  const { t } = useTranslation();
  const [rating, setRating] = useState("");
  const list = useFeedbackList(rating || undefined);
  useTitle(t("admin.feedback"));
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const totals = list.data?.pages[0]?.totals;
  return (
    <Section title={t("feedback.page")} hint={t("feedback.page_hint")}>
      {totals && <Totals totals={totals} />}
      <SelectField label={t("feedback.which")} value={rating} onChange={(event) => setRating(event.target.value)}>
        <option value="">{t("feedback.all")}</option>
        <option value="up">{t("feedback.good")}</option>
        <option value="down">{t("feedback.bad")}</option>
      </SelectField>
      {list.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={list.error} />
      {list.isSuccess && entries.length === 0 && <p className="text-muted">{t("feedback.none")}</p>}
      <ul className="flex flex-col">
        {entries.map((entry) => (
          <Entry key={entry.message_id} entry={entry} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </Section>
  );
}

function useReasonName(): (reason: string) => string {
  const { t } = useTranslation();
  return (reason) => {
    const known = FEEDBACK_REASONS.find((one) => one === reason);
    return known ? t(`feedback.reasons.${known}`) : reason;
  };
}

function Totals({ totals }: { totals: FeedbackTotals }) {
  const { t } = useTranslation();
  const { number, percent } = useFormats();
  const reasonName = useReasonName();
  const all = totals.up + totals.down;
  const figures: [string, string][] = [
    [t("feedback.share"), all ? percent(totals.up / all) : "–"],
    [t("feedback.good"), number(totals.up)],
    [t("feedback.bad"), number(totals.down)],
    ...totals.reasons.map(({ reason, count }): [string, string] => [reasonName(reason), number(count)]),
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3">
      {figures.map(([label, value]) => (
        <div key={label} className="rounded-md bg-sunken p-3">
          <dt className="text-sm text-muted">{label}</dt>
          <dd className="text-xl font-semibold tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Entry({ entry }: { entry: FeedbackEntry }) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const reasonName = useReasonName();
  const good = entry.rating === "up";
  const Icon = good ? ThumbsUp : ThumbsDown;
  return (
    <li className="flex gap-3 border-b py-3 last:border-0">
      <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${good ? "text-good" : "text-bad"}`} />
      <div className="flex min-w-0 grow flex-col gap-1">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium">{good ? t("feedback.good") : t("feedback.bad")}</span>
          {entry.reason && <Badge tone="warn">{reasonName(entry.reason)}</Badge>}
          <span className="text-sm text-muted">{moment(entry.updated_at)}</span>
        </p>
        {entry.refused && <p className="text-sm text-muted">{t("feedback.refused")}</p>}
        {entry.comment && <p className="whitespace-pre-wrap">{entry.comment}</p>}
        {entry.withheld && <p className="text-sm text-muted">{t("feedback.withheld")}</p>}
        {entry.documents.length > 0 && (
          <p className="flex flex-wrap items-center gap-2 text-sm">
            <span className="text-muted">{t("feedback.quoted")}</span>
            {entry.documents.map((document) => (
              <span key={`${document.id} ${document.classification}`} className="inline-flex items-center gap-1">
                <Link to="/documents/$documentId" params={{ documentId: document.id }} className="inline-flex min-h-target items-center underline">
                  {document.title}
                </Link>
                <LabelBadges classification={document.classification} exportControl={document.export_control} />
              </span>
            ))}
          </p>
        )}
      </div>
    </li>
  );
}
