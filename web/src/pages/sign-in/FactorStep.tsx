import { useRefreshSession } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { CodeForm } from "./CodeForm";
import { Entrance } from "./Entrance";

export function FactorStep() {
  const { t } = useTranslation();
  const refresh = useRefreshSession();
  return (
    <Entrance title={t("factor.title")}>
      <CodeForm onShown={refresh} />
    </Entrance>
  );
}
