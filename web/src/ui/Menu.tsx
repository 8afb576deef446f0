import { cloneElement, useState, type ComponentProps, type ReactElement, type ReactNode } from "react";
import type { MenuParts } from "./MenuParts";

export interface MenuAction {
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  onSelect: () => void;
}

export interface MenuChoice {
  /** What is chosen. */
  choice: string;
  value: string;
  options: readonly { value: string; label: string; hint?: string }[];
  onChange: (value: string) => void;
}

/** What a menu offers, from top to bottom. */
export type MenuEntry = MenuAction | MenuChoice | "line";

interface Props {
  trigger: ReactElement<ComponentProps<"button">>;
  entries: readonly MenuEntry[];
  align?: "start" | "end";
  /** Somebody reaches for it, and will probably open it. */
  onReach?: () => void;
}

/** A menu whose code comes with the first hand that reaches for it. */
export function Menu({ trigger, entries, align = "end", onReach }: Props) {
  const [parts, setParts] = useState<{ MenuParts: typeof MenuParts } | null>(null);
  if (parts) return <parts.MenuParts trigger={trigger} entries={entries} align={align} />;
  const load = () => {
    onReach?.();
    return import("./MenuParts");
  };
  const open = () => void load().then(setParts);
  return cloneElement(trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
    onClick: open,
  });
}
