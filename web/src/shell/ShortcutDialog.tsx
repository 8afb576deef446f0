import { useTranslation } from "@/i18n/useTranslation";
import { Dialog } from "@/ui/Dialog";
import { CheckField } from "@/ui/Field";
import { setShortcutsOn, useShortcutsOn } from "./shortcutsOn";
import { ShortcutTable } from "./ShortcutTable";

export function ShortcutDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const on = useShortcutsOn();
  return (
    <Dialog open onClose={onClose} title={t("shortcuts.title")}>
      <ShortcutTable />
      <CheckField label={t("shortcuts.on")} checked={on} onChange={(event) => setShortcutsOn(event.target.checked)} />
    </Dialog>
  );
}
