import { Link } from "@tanstack/react-router";
import { CLASSIFICATIONS, TIERS, type Agent } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useAgentWords } from "@/reasoning/useAgentWords";
import { useToolWords } from "@/reasoning/useToolWords";
import { Badge } from "@/ui/Badge";

/** A specialist at a glance. */
export function SpecialistCard({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const { title, purpose } = useAgentWords()(agent);
  const tool = useToolWords();
  const [example] = agent.examples;
  return (
    <li className="relative flex flex-col gap-3 rounded-lg border bg-surface p-4 hover:border-edge sm:p-5">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="grow text-lg font-semibold">
          <Link
            to="/agents"
            search={{ agent: agent.name }}
            aria-haspopup="dialog"
            className="rounded-sm after:absolute after:inset-0 after:rounded-lg hover:underline"
          >
            {title}
          </Link>
        </h2>
        {agent.changed.length > 0 && <Badge tone="accent">{t("specialists.changed")}</Badge>}
      </div>
      <p>{purpose}</p>
      {example && (
        <p className="border-l-2 pl-3 text-sm text-muted">
          <span className="sr-only">{t("specialists.example")}: </span>
          {example.task}
        </p>
      )}
      <p className="mt-auto text-sm text-muted">{agent.tools.length ? agent.tools.map(tool).join(" · ") : t("specialists.no_tools")}</p>
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <TierBadge tier={agent.tier} />
        <span className="text-muted">{t("specialists.up_to")}</span>
        <CeilingBadge ceiling={agent.ceiling} />
      </p>
    </li>
  );
}

/** Which size of model thinks. */
export function TierBadge({ tier }: { tier: string }) {
  const { t } = useTranslation();
  const known = TIERS.find((one) => one === tier);
  return <Badge>{known ? t(`tier_name.${known}`) : tier}</Badge>;
}

/** The most secret text that may be read: a limit, which is nothing to be warned of. */
export function CeilingBadge({ ceiling }: { ceiling: string }) {
  const { t } = useTranslation();
  const known = CLASSIFICATIONS.find((one) => one === ceiling);
  return <Badge>{known ? t(`classification.${known}`) : ceiling}</Badge>;
}
