import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { leaveWithPage, secondsLeft, WARNING_S, type Kiosk } from "@/app/kiosk";
import { signOut } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const TICK_MS = 500;

/** Signs a person out who has not touched the device for a while, and says so before. */
export function KioskGuard({ kiosk }: { kiosk: Kiosk }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const touched = useRef(Date.now());
  const warned = useRef(false);
  const [left, setLeft] = useState<number | null>(null);
  const stay = () => {
    touched.current = Date.now();
    warned.current = false;
    setLeft(null);
  };
  useEffect(() => {
    // Once it was announced, only a clear sign keeps the session: a sleeve on the screen is none.
    const touch = () => {
      if (!warned.current) touched.current = Date.now();
    };
    for (const name of TOUCHES) addEventListener(name, touch, { passive: true });
    return () => {
      for (const name of TOUCHES) removeEventListener(name, touch);
    };
  }, []);
  useEffect(() => leaveWithPage(), []);
  useEffect(() => {
    const timer = setInterval(() => {
      const seconds = secondsLeft(kiosk.minutes, touched.current, Date.now());
      warned.current = seconds <= WARNING_S;
      setLeft(warned.current ? seconds : null);
      if (seconds === 0) {
        clearInterval(timer);
        void signOut(client);
      }
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [client, kiosk.minutes]);
  return (
    <Dialog open={left !== null} onClose={stay} title={t("kiosk.locking")}>
      <div className="flex flex-col gap-5">
        <p>
          {t("kiosk.locking_what")}{" "}
          <span role="timer" className="font-semibold tabular-nums">
            {t("kiosk.seconds", { count: left ?? 0 })}
          </span>
        </p>
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={() => void signOut(client)}>{t("kiosk.switch")}</Button>
          <Button look="primary" onClick={stay}>
            {t("kiosk.stay")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
