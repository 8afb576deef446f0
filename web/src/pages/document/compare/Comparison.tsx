import { useMemo } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { usePageText } from "@/source/useSource";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { DiffColumn } from "./DiffColumn";
import { pageText, wordDiff } from "./wordDiff";

interface Side {
  document_id: string;
  revision_id: string;
  page: number;
}

/** Two pages with what differs marked in both. */
export function Comparison({ older, newer }: { older: Side; newer: Side }) {
  const { t } = useTranslation();
  const [left, right] = [usePageText(older, older.page), usePageText(newer, newer.page)];
  const texts = useMemo(
    () => left.data && right.data && ([pageText(left.data.blocks), pageText(right.data.blocks)] as const),
    [left.data, right.data],
  );
  const diff = useMemo(() => texts && wordDiff(...texts), [texts]);
  const error = left.error ?? right.error;
  if (error) return <ProblemNotice error={error} />;
  if (!texts) return <Skeleton lines={10} />;
  const plain = (text: string) => [{ text, own: false }];
  return (
    <>
      <Summary diff={diff ?? null} />
      <div className="grid gap-4 md:grid-cols-2">
        <section aria-label={t("compare.older")}>
          <DiffColumn side="older" stretches={diff?.older ?? plain(texts[0])} />
        </section>
        <section aria-label={t("compare.newer")}>
          <DiffColumn side="newer" stretches={diff?.newer ?? plain(texts[1])} />
        </section>
      </div>
    </>
  );
}

function Summary({ diff }: { diff: ReturnType<typeof wordDiff> }) {
  const { t } = useTranslation();
  if (!diff) return <Notice tone="warn" role="status" title={t("compare.too_different")} />;
  const same = ![...diff.older, ...diff.newer].some(({ own }) => own);
  return (
    <p role="status" className="font-medium">
      {same ? t("compare.same") : `${t("compare.removed", { count: diff.removed })} · ${t("compare.added", { count: diff.added })}`}
    </p>
  );
}
