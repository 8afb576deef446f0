import { Download, Ellipsis, Printer } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { saveText } from "@/ui/saveText";
import { toMarkdown } from "./markdown";
import type { Turn } from "./turn";
import { useExportWords } from "./useExportWords";

export function ThreadActions({ title, turns }: { title: string; turns: Turn[] }) {
  const { t } = useTranslation();
  const words = useExportWords();
  return (
    <Menu
      trigger={
        <IconButton label={t("ask.actions")} className="no-print">
          <Ellipsis aria-hidden />
        </IconButton>
      }
      entries={[
        {
          label: t("ask.export"),
          icon: <Download aria-hidden className="size-5" />,
          onSelect: () => saveText(`${title.slice(0, 60)}.md`, toMarkdown(title, turns, words)),
        },
        // Once the menu is gone from the paper.
        { label: t("ask.print"), icon: <Printer aria-hidden className="size-5" />, onSelect: () => setTimeout(() => print()) },
      ]}
    />
  );
}
