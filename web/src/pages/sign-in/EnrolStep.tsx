import { useRefreshSession } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { Enrolment } from "./Enrolment";
import { Entrance } from "./Entrance";

export function EnrolStep() {
  const { t } = useTranslation();
  const refresh = useRefreshSession();
  return (
    <Entrance title={t("enrol.title")}>
      <Notice tone="warn">{t("enrol.needed")}</Notice>
      <Enrolment onDone={refresh} />
    </Entrance>
  );
}
