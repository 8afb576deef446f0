import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { useDestinations } from "./destinations";

/** The pages within reach of a thumb. */
export function BottomBar() {
  const { t } = useTranslation();
  return (
    <nav aria-label={t("nav.pages")} className="no-print border-t bg-surface pb-[env(safe-area-inset-bottom)] sm:hidden">
      <ul className="flex">
        {useDestinations().map(({ to, label, icon: Icon }) => (
          <li key={to} className="min-w-0 flex-1">
            <Link
              to={to}
              activeOptions={{ exact: false, includeSearch: false }}
              className="flex min-h-14 flex-col items-center justify-center gap-0.5 text-xs font-medium tracking-tight text-muted"
              activeProps={{ className: "text-accent-strong" }}
            >
              <Icon aria-hidden className="size-5" />
              <span className="max-w-full truncate">{t(label)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
