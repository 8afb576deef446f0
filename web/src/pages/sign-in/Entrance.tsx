import { useQueryClient } from "@tanstack/react-query";
import { signOut, useSession } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { LanguageSelect } from "@/shell/LanguageSelect";
import { Mark } from "@/shell/Mark";
import { Button } from "@/ui/Button";
import { useTitle } from "@/ui/Page";
import type { ReactNode } from "react";

/** The frame of every step before the face opens. */
export function Entrance({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const gate = useSession().data?.gate;
  useTitle(title);
  return (
    <div className="flex min-h-full flex-col items-center gap-6 overflow-y-auto px-4 py-6 sm:justify-center">
      <header className="flex w-full max-w-md items-center gap-3">
        <Mark />
        <span className="grow text-lg font-semibold">Millwright</span>
        <LanguageSelect />
      </header>
      <main className="flex w-full max-w-md flex-col gap-5 rounded-lg border bg-surface p-5 shadow-raised sm:p-7">
        <h1 className="text-xl font-semibold">{title}</h1>
        {children}
      </main>
      <footer className="flex min-h-target w-full max-w-md items-center gap-4 text-sm">
        <a href="/docs" className="inline-flex min-h-target items-center underline">
          {t("sign_in.api")}
        </a>
        {gate && gate !== "signIn" && gate !== "open" && (
          <Button look="quiet" className="ml-auto" onClick={() => void signOut(client)}>
            {t("action.sign_out")}
          </Button>
        )}
      </footer>
    </div>
  );
}
