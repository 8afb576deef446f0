import { useTranslation } from "react-i18next";
import { Page, Section } from "@/ui/Page";
import { LookSection } from "./LookSection";
import { OwnPasswordSection } from "./OwnPasswordSection";
import { ProfileSection } from "./ProfileSection";
import { SecondFactorSection } from "./SecondFactorSection";
import { SessionsSection } from "./SessionsSection";
import { TokensSection } from "./TokensSection";

export function MePage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.me")}>
      <ProfileSection />
      <LookSection />
      <Section title={t("me.password")}>
        <OwnPasswordSection />
      </Section>
      <SecondFactorSection />
      <SessionsSection />
      <TokensSection />
    </Page>
  );
}
