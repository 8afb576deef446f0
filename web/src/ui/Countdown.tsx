import { useEffect, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";

/** How long one still has to wait, second by second. */
export function Countdown({ seconds }: { seconds: number }) {
  const { t } = useTranslation();
  const [end] = useState(() => Date.now() + seconds * 1000);
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000))), 250);
    return () => clearInterval(timer);
  }, [end]);
  if (left === 0) return <p>{t("wait.over")}</p>;
  const minutes = Math.floor(left / 60);
  const rest = String(left % 60).padStart(2, "0");
  return (
    <p role="timer">
      {t("wait.left")} <span className="font-semibold tabular-nums">{`${minutes}:${rest}`}</span>
    </p>
  );
}
