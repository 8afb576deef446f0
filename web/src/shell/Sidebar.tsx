import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { ConversationList } from "@/pages/ask/conversations/ConversationList";
import { useDestinations } from "./destinations";
import { Mark } from "./Mark";
import { NewQuestionLink } from "./NewQuestionLink";
import { SwitchUserButton } from "./SwitchUserButton";
import { UserMenu } from "./UserMenu";

/** Where one can go, what one has asked, and who one is. */
export function Sidebar({ bare = false }: { bare?: boolean }) {
  const { t } = useTranslation();
  const destinations = useDestinations();
  return (
    <div className={bare ? "flex min-h-full flex-col gap-4" : "flex h-full flex-col gap-4 p-3"}>
      {!bare && (
        <div className="flex items-center gap-3 px-2 pt-2">
          <Mark />
          <span className="text-lg font-semibold">Millwright</span>
        </div>
      )}
      <NewQuestionLink />
      <nav aria-label={t("nav.pages")}>
        <ul className="flex flex-col gap-1">
          {destinations.map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Link
                to={to}
                activeOptions={{ exact: false, includeSearch: false }}
                className="flex min-h-target items-center gap-3 rounded-md px-3 font-medium hover:bg-hover"
                activeProps={{ className: "bg-accent-soft text-accent-strong" }}
              >
                <Icon aria-hidden className="size-5" />
                {t(label)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <ConversationList />
      <SwitchUserButton />
      <UserMenu />
    </div>
  );
}
