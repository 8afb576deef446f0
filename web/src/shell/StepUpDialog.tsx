import { useEffect, useRef, useState } from "react";
import { stepUp } from "@/api/stepUp";
import { useTranslation } from "@/i18n/useTranslation";
import { CodeForm } from "@/pages/sign-in/CodeForm";
import { Dialog } from "@/ui/Dialog";

/** Asks for a fresh code of the second factor when the appliance wants one for what was begun. */
export function StepUpDialog() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const settle = useRef<(shown: boolean) => void>(null);
  useEffect(
    () =>
      stepUp.answeredBy(() => {
        setOpen(true);
        return new Promise((resolve) => {
          settle.current = resolve;
        });
      }),
    [],
  );
  const end = (shown: boolean) => {
    setOpen(false);
    settle.current?.(shown);
    settle.current = null;
  };
  return (
    <Dialog open={open} onClose={() => end(false)} title={t("step_up.title")}>
      <p className="mb-4">{t("step_up.why")}</p>
      <CodeForm onShown={() => end(true)} />
    </Dialog>
  );
}
