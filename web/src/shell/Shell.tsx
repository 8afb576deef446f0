import { Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { useUploads } from "@/pages/documents/uploads";
import { IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { lazily } from "@/ui/lazily";
import { BottomBar } from "./BottomBar";
import { Mark } from "./Mark";
import { NewQuestionLink } from "./NewQuestionLink";
import { Shortcuts } from "./Shortcuts";
import { Sidebar } from "./Sidebar";
import { SwitchUserButton } from "./SwitchUserButton";

const UploadTray = lazily(() => import("@/pages/documents/UploadTray"), "UploadTray");

/** Navigation around every page: beside it on a desktop, above and below it on a phone. */
export function Shell() {
  const { t } = useTranslation();
  const [drawer, setDrawer] = useState(false);
  const uploading = useUploads().length > 0;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    setDrawer(false);
    // Those who can't see that the page changed are taken to it; a thread stays one page.
    const place = (of: string) => (of.startsWith("/ask") ? "/ask" : of);
    if (place(shown.current) !== place(path)) main.current?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  return (
    <div className="flex h-full flex-col lg:flex-row print:block">
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-4 py-3 font-medium text-on-accent focus:translate-y-0"
      >
        {t("nav.skip")}
      </a>
      <aside className="no-print hidden w-72 shrink-0 border-r bg-surface lg:block">
        <Sidebar />
      </aside>
      <header className="no-print flex items-center gap-2 border-b bg-surface px-2 py-1 lg:hidden">
        <IconButton label={t("nav.menu")} aria-haspopup="dialog" onClick={() => setDrawer(true)}>
          <MenuIcon aria-hidden />
        </IconButton>
        <Mark />
        <span className="grow font-semibold">Millwright</span>
        <SwitchUserButton compact />
        <NewQuestionLink compact />
      </header>
      <Dialog open={drawer} onClose={() => setDrawer(false)} title="Millwright" side="left">
        <Sidebar bare />
      </Dialog>
      <div className="flex min-h-0 min-w-0 grow flex-col">
        <main ref={main} id="main" tabIndex={-1} className="min-h-0 grow outline-none">
          <Outlet />
        </main>
        {uploading && <UploadTray />}
      </div>
      <BottomBar />
      <Shortcuts />
    </div>
  );
}
