import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { saveText } from "@/ui/saveText";
import { Spinner } from "@/ui/States";
import { ownData } from "./ownData";

/** What the appliance keeps about oneself, to be taken along. */
export function MyDataSection() {
  const { t } = useTranslation();
  const [read, setRead] = useState(0);
  const save = useMutation({
    mutationFn: () => ownData(setRead),
    onMutate: () => setRead(0),
    onSuccess: (data) => saveText("my-data.json", JSON.stringify(data, null, 2), "application/json"),
  });
  return (
    <Section title={t("me.data")} hint={t("me.data_hint")}>
      <ProblemNotice error={save.error} />
      <div role="status">{save.isPending && <Spinner>{t("me.data_reading", { count: read })}</Spinner>}</div>
      <Button className="self-start" icon={<Download aria-hidden className="size-5" />} busy={save.isPending} onClick={() => save.mutate()}>
        {t("me.data_save")}
      </Button>
      <p className="text-sm text-muted">{t("me.data_log")}</p>
    </Section>
  );
}
