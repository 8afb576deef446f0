import { useToolWords } from "@/reasoning/useToolWords";
import { useToolAbout } from "./useTools";

/** The tools of an agent: what each does, and what that does to the world. */
export function ToolList({ tools }: { tools: readonly string[] }) {
  const words = useToolWords();
  const about = useToolAbout();
  return (
    <ul className="flex flex-col gap-2">
      {tools.map((tool) => {
        const known = about(tool);
        return (
          <li key={tool}>
            <p>{words(tool)}</p>
            {known && (
              <p className="text-sm text-muted">
                {known.description} {known.effect}
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}
