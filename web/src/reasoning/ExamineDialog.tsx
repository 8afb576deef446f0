import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Dialog } from "@/ui/Dialog";
import { SelectField } from "@/ui/Field";
import { ThinkingRun } from "./thinking/ThinkingRun";
import { TOOLS, type Tool } from "./thinking/tools";

interface Props {
  question: string;
  draft: string;
  onClose: () => void;
}

/** Has an answer looked at from other sides. */
export function ExamineDialog({ question, draft, onClose }: Props) {
  const { t } = useTranslation();
  const [tool, setTool] = useState<Tool>("red_team");
  return (
    <Dialog open onClose={onClose} title={t("thinking.examine_title")} side="right">
      <div className="flex flex-col gap-5">
        <SelectField
          label={t("thinking.tool")}
          value={tool}
          onChange={(event) => setTool(TOOLS.find((one) => one === event.target.value) ?? "red_team")}
        >
          {TOOLS.map((one) => (
            <option key={one} value={one}>
              {t(`thinking_tool.${one}`)}
            </option>
          ))}
        </SelectField>
        <ThinkingRun key={tool} tool={tool} question={question} draft={draft} />
      </div>
    </Dialog>
  );
}
