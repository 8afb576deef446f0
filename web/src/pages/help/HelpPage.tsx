import { useTranslation } from "@/i18n/useTranslation";
import { ShortcutTable } from "@/shell/ShortcutTable";
import { buttonClass } from "@/ui/Button";
import { Page, Section } from "@/ui/Page";

const TOPICS = ["ask", "refusal", "sources", "documents", "search", "labels"] as const;

/** A short guide that needs no network. */
export function HelpPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.help")}>
      {TOPICS.map((topic) => (
        <Section key={topic} title={t(`help.${topic}.title`)}>
          <p>{t(`help.${topic}.text`)}</p>
        </Section>
      ))}
      <Section title={t("shortcuts.title")}>
        <ShortcutTable />
      </Section>
      <Section title={t("help.api.title")}>
        <p>{t("help.api.text")}</p>
        <a href="/docs" className={buttonClass("secondary", "self-start")}>
          {t("sign_in.api")}
        </a>
      </Section>
    </Page>
  );
}
