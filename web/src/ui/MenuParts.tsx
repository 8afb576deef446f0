import { DropdownMenu } from "radix-ui";
import { useState, type ReactNode } from "react";
import { cx } from "./cx";
import { useLayer } from "./layer";
import type { MenuChoice, MenuEntry } from "./Menu";

const ITEM =
  "flex min-h-target cursor-pointer items-center gap-3 rounded-sm px-3 outline-none select-none data-[highlighted]:bg-hover data-[highlighted]:outline-2 data-[highlighted]:outline-accent";

interface Props {
  trigger: ReactNode;
  entries: readonly MenuEntry[];
  align: "start" | "end";
}

/** Not modal: a modal one would bring a style sheet that the content security policy refuses. */
export function MenuParts({ trigger, entries, align }: Props) {
  const [open, setOpen] = useState(true);
  const layer = useLayer();
  return (
    <DropdownMenu.Root modal={false} open={open} onOpenChange={setOpen}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      {/* Within the page's main part: what lies outside all landmarks is hard to find. */}
      <DropdownMenu.Portal container={layer ?? document.getElementById("main")}>
        <DropdownMenu.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-h-(--radix-dropdown-menu-content-available-height) max-w-[min(36rem,calc(100vw-1rem))] min-w-56 overflow-y-auto rounded-md border bg-raised p-1 text-ink shadow-raised"
        >
          {entries.map((entry, index) =>
            entry === "line" ? (
              <DropdownMenu.Separator key={index} className="my-1 border-t" />
            ) : "choice" in entry ? (
              <Choice key={index} {...entry} />
            ) : (
              <DropdownMenu.Item key={index} className={cx(ITEM, entry.danger && "text-bad")} onSelect={entry.onSelect}>
                {entry.icon}
                {entry.label}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Choice({ choice, value, options, onChange }: MenuChoice) {
  return (
    <DropdownMenu.RadioGroup value={value} onValueChange={onChange} aria-label={choice}>
      <DropdownMenu.Label className="px-3 pt-2 text-sm text-muted">{choice}</DropdownMenu.Label>
      {options.map((option) => (
        <DropdownMenu.RadioItem
          key={option.value}
          value={option.value}
          onSelect={(event) => event.preventDefault()}
          className={cx(ITEM, "pl-9 data-[state=checked]:pl-3")}
        >
          <DropdownMenu.ItemIndicator aria-hidden className="w-3 text-accent">
            ✓
          </DropdownMenu.ItemIndicator>
          <span className="py-1">
            <span className="block">{option.label}</span>
            {option.hint && <span className="block text-sm text-muted">{option.hint}</span>}
          </span>
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}
