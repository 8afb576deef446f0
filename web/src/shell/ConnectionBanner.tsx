import { WifiOff } from "lucide-react";
import { useReachable } from "@/api/connection";
import { useTranslation } from "@/i18n/useTranslation";

/** Says that the appliance does not answer, until it does. */
export function ConnectionBanner() {
  const { t } = useTranslation();
  const reachable = useReachable();
  return (
    <div role="status" className="no-print fixed inset-x-0 top-0 z-50">
      {!reachable && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-2 text-center font-medium text-ink shadow-raised">
          <WifiOff aria-hidden className="size-5" />
          {t("connection.lost")}
        </p>
      )}
    </div>
  );
}
