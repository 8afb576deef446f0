import { useRouter } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ProblemNotice } from "@/ui/ProblemNotice";

/** A page that failed; the rest of the face goes on. */
export function PageFault({ error, reset }: { error: unknown; reset: () => void }) {
  const { t } = useTranslation();
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <div className="mx-auto max-w-3xl p-6">
      <ProblemNotice error={error}>
        <div>
          <Button onClick={again}>{t("action.try_again")}</Button>
        </div>
      </ProblemNotice>
    </div>
  );
}
