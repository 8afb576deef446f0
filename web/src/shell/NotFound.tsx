import { Link } from "@tanstack/react-router";
import { FileQuestion } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { buttonClass } from "@/ui/Button";
import { useTitle } from "@/ui/Page";
import { Empty } from "@/ui/States";

export function NotFound() {
  const { t } = useTranslation();
  useTitle(t("not_found.title"));
  return (
    <Empty icon={<FileQuestion aria-hidden className="size-10" />} title={t("not_found.title")} heading>
      <p>{t("not_found.next")}</p>
      <Link to="/" className={buttonClass("primary")}>
        {t("nav.ask")}
      </Link>
    </Empty>
  );
}
