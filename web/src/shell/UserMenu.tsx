import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleHelp, LogOut, UserRound } from "lucide-react";
import { signOut, useMe } from "@/app/session";
import { setLook, THEMES, useLook } from "@/app/theme";
import { knownLanguage, LANGUAGES, speak } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { Menu, type MenuEntry } from "@/ui/Menu";
import { useRoleName } from "@/ui/useRoleName";

/** Who is signed in, how it looks, and the way out. */
export function UserMenu() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const look = useLook();
  const roleName = useRoleName();
  const client = useQueryClient();
  const navigate = useNavigate();
  const icon = "size-5 text-muted";
  const entries: MenuEntry[] = [
    { label: t("nav.me"), icon: <UserRound aria-hidden className={icon} />, onSelect: () => void navigate({ to: "/me" }) },
    { label: t("nav.help"), icon: <CircleHelp aria-hidden className={icon} />, onSelect: () => void navigate({ to: "/help" }) },
    "line",
    {
      choice: t("theme.label"),
      value: look.theme,
      options: THEMES.map((value) => ({ value, label: t(`theme.${value}`) })),
      onChange: (value) => {
        const theme = THEMES.find((one) => one === value);
        if (theme) setLook({ theme });
      },
    },
    "line",
    {
      choice: t("language.label"),
      value: i18n.language,
      options: LANGUAGES.map(({ tag, name }) => ({ value: tag, label: name })),
      onChange: (value) => {
        const tag = knownLanguage(value);
        if (tag) void speak(tag, true);
      },
    },
    "line",
    { label: t("action.sign_out"), icon: <LogOut aria-hidden className={icon} />, onSelect: () => void signOut(client) },
  ];
  return (
    <Menu
      align="start"
      entries={entries}
      trigger={
        <button type="button" className="flex min-h-14 w-full items-center gap-3 rounded-md border px-3 text-left hover:bg-hover">
          <UserRound aria-hidden className="size-5 shrink-0 text-muted" />
          <span className="min-w-0 grow">
            <span className="block truncate font-medium">{me.display_name}</span>
            <span className="block truncate text-sm text-muted">{roleName(me.role)}</span>
          </span>
        </button>
      }
    />
  );
}
