import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { TOOLS, type Tool } from "@/reasoning/thinking/tools";
import { cx } from "@/ui/cx";

const LOOK = "inline-flex min-h-target items-center rounded-md border px-4 font-medium";
const PRESENT = "border-edge bg-surface text-accent-strong";
const OTHER = "border-transparent hover:bg-hover";

/** The ways of thinking that there are; a reasoned run when it is none of the tools. */
export function ToolNav({ present }: { present: Tool | undefined }) {
  const { t } = useTranslation();
  return (
    <nav aria-label={t("thinking.tools")}>
      <ul className="flex flex-wrap gap-1 rounded-lg bg-sunken p-1">
        {[undefined, ...TOOLS].map((tool) => (
          <li key={tool ?? "reason"}>
            <Link
              to="/agents/playground"
              search={{ tool }}
              className={cx(LOOK, tool === present ? PRESENT : OTHER)}
              aria-current={tool === present ? "page" : undefined}
            >
              {t(`thinking_tool.${tool ?? "reason"}`)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
