import { useTranslation } from "@/i18n/useTranslation";
import { Page, Section } from "@/ui/Page";
import { BudgetSection } from "./BudgetSection";
import { KioskSection } from "./KioskSection";
import { LookSection } from "./LookSection";
import { MyDataSection } from "./MyDataSection";
import { OwnPasswordSection } from "./OwnPasswordSection";
import { ProfileSection } from "./ProfileSection";
import { SecondFactorSection } from "./SecondFactorSection";
import { SessionsSection } from "./SessionsSection";
import { KeysSection } from "@/pages/keys/KeysSection";
import { TokensSection } from "./TokensSection";

export function MePage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.me")}>
      <ProfileSection />
      <LookSection />
      <KioskSection />
      <Section title={t("me.password")}>
        <OwnPasswordSection />
      </Section>
      <SecondFactorSection />
      <BudgetSection />
      <SessionsSection />
      <TokensSection />
      <KeysSection />
      <MyDataSection />
    </Page>
  );
}
