import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { lazily } from "@/ui/lazily";
import { useShortcutsOn } from "./shortcutsOn";

const ShortcutDialog = lazily(() => import("./ShortcutDialog"), "ShortcutDialog");

const TYPING = "input, textarea, select, [contenteditable]";

/** Single keys that lead somewhere, as long as nobody types; they can be switched off. */
export function Shortcuts() {
  const [open, setOpen] = useState(false);
  const on = useShortcutsOn();
  const navigate = useNavigate();
  useEffect(() => {
    const go: Record<string, () => void> = {
      n: () => void navigate({ to: "/ask/{-$conversationId}", params: { conversationId: undefined } }),
      d: () => void navigate({ to: "/documents" }),
      s: () => void navigate({ to: "/search" }),
      "?": () => setOpen(true),
    };
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest(TYPING) || document.querySelector("dialog[open], [role=menu]")) return;
      const act = go[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    if (on) document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [navigate, on]);
  return open ? <ShortcutDialog onClose={() => setOpen(false)} /> : null;
}
