import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { shareOf } from "./limits";

interface Props {
  label: string;
  used: number;
  reserved: number;
  /** 0 is none. */
  limit: number;
}

/** What is used of one limit, and beside it what is set aside for what is being written. */
export function BudgetBar({ label, used, reserved, limit }: Props) {
  const { t } = useTranslation();
  const { number, percent } = useFormats();
  const share = shareOf(used, reserved, limit);
  return (
    <div className="flex flex-col gap-2 rounded-md bg-sunken p-3">
      <p className="flex flex-wrap items-center gap-2">
        <span className="grow font-medium">{label}</span>
        {share?.over && <Badge tone="bad">{t("budgets.used_up")}</Badge>}
        {!share && <Badge>{t("budgets.no_limit")}</Badge>}
      </p>
      <p className="tabular-nums">
        <span className="text-xl font-semibold">{number(used)}</span>{" "}
        {share && <span className="text-muted">{t("budgets.of", { limit: number(limit), share: percent(used / limit) })}</span>}
      </p>
      {share && (
        <div aria-hidden className="flex h-3 overflow-hidden rounded-full border border-edge bg-surface">
          <div className={share.over ? "bg-bad" : "bg-accent"} style={{ width: `${share.used * 100}%` }} />
          <div className="bg-warn" style={{ width: `${share.reserved * 100}%` }} />
        </div>
      )}
      {reserved > 0 && (
        <p className="flex items-center gap-2 text-sm text-muted tabular-nums">
          <span aria-hidden className="size-3 rounded-full bg-warn" />
          {t("budgets.reserved", { tokens: number(reserved) })}
        </p>
      )}
    </div>
  );
}
