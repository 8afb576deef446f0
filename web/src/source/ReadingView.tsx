import type { Block } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { BlockView } from "./BlockView";
import { markedBlocks } from "./marks";
import type { SourceTarget } from "./target";
import { usePageText } from "./useSource";

interface Props {
  target: SourceTarget;
  page: number;
}

/** The text of a page as it was read, with the cited words marked. */
export function ReadingView({ target, page }: Props) {
  const { t } = useTranslation();
  const read = usePageText(target, page);
  if (read.isPending) return <Skeleton lines={8} />;
  if (read.isError) return <ProblemNotice error={read.error} />;
  const blocks: Block[] = read.data.blocks.filter((block) => block.kind !== "page_furniture");
  const marks = page === target.page ? markedBlocks(target.words, blocks) : [];
  const lost = page === target.page && target.words !== "" && marks.length === 0;
  return (
    <>
      {read.data.state !== "text" && (
        <Notice tone="warn" title={t(read.data.state === "needs_ocr" ? "page_state.needs_ocr" : "page_state.failed")} />
      )}
      {lost && (
        <Notice tone="warn" role="status" title={t("source.not_located")}>
          <blockquote className="border-l-4 pl-3">{target.words}</blockquote>
        </Notice>
      )}
      <article lang={undefined} className="flex flex-col gap-3 rounded-md border bg-surface p-5 leading-relaxed">
        {blocks.map((block, index) => (
          <BlockView key={index} block={block} marked={marks.filter((mark) => mark.block === index)} first={marks[0]?.block === index} />
        ))}
      </article>
    </>
  );
}
