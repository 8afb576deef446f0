import { useId, type ReactNode } from "react";
import { useToolWords } from "@/reasoning/useToolWords";
import { CheckField } from "@/ui/Field";
import { useToolAbout } from "./useTools";

interface Props {
  name: string;
  label: string;
  hint: ReactNode;
  fault: string | null;
  everyTool: string[];
  chosen: string[];
}

/** Which tools an agent may reach for. */
export function ToolFields({ name, label, hint, fault, everyTool, chosen }: Props) {
  const id = useId();
  const words = useToolWords();
  const about = useToolAbout();
  const hintOf = (tool: string) => {
    const known = about(tool);
    return known && `${known.description} ${known.effect}`;
  };
  return (
    <fieldset aria-describedby={id} className="min-w-0">
      <legend className="font-medium">{label}</legend>
      <div className="flex flex-col gap-3 pb-3">
        {everyTool.map((tool) => (
          <CheckField key={tool} name={name} value={tool} label={words(tool)} hint={hintOf(tool)} defaultChecked={chosen.includes(tool)} />
        ))}
      </div>
      <div id={id} className="text-sm text-muted">
        {hint}
        {fault && <p className="text-bad">{fault}</p>}
      </div>
    </fieldset>
  );
}
