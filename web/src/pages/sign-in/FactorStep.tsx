import { useTranslation } from "react-i18next";
import { useRefreshSession } from "@/app/session";
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
