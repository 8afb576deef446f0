import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { stepped, type Chosen } from "./chosen";

interface Props {
  chosen: Chosen;
  onChoose: (change: Partial<Chosen>) => void;
}

/** Turns both pages at once. */
export function PageSteps({ chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const [back, on] = [stepped(chosen, -1), stepped(chosen, 1)];
  return (
    <div className="flex flex-wrap gap-2">
      <Button icon={<ChevronLeft aria-hidden className="size-5" />} disabled={!back} onClick={() => back && onChoose(back)}>
        {t("compare.both_previous")}
      </Button>
      <Button icon={<ChevronRight aria-hidden className="size-5" />} disabled={!on} onClick={() => on && onChoose(on)}>
        {t("compare.both_next")}
      </Button>
    </div>
  );
}
