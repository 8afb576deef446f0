import { useTranslation } from "@/i18n/useTranslation";

const KEYS = [
  ["n", "shortcuts.new_question"],
  ["d", "shortcuts.documents"],
  ["s", "shortcuts.search"],
  ["[", "shortcuts.previous_citation"],
  ["]", "shortcuts.next_citation"],
  ["Esc", "shortcuts.close"],
  ["?", "shortcuts.help"],
] as const;

export function ShortcutTable() {
  const { t } = useTranslation();
  return (
    <table className="mb-4 w-full">
      <thead className="sr-only">
        <tr>
          <th scope="col">{t("shortcuts.key")}</th>
          <th scope="col">{t("shortcuts.effect")}</th>
        </tr>
      </thead>
      <tbody>
        {KEYS.map(([key, label]) => (
          <tr key={key} className="border-b last:border-0">
            <td className="w-20 py-2">
              <kbd className="rounded-sm border border-edge bg-sunken px-2 py-0.5 font-mono text-sm">{key}</kbd>
            </td>
            <td className="py-2">{t(label)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
