import { useTranslation } from "@/i18n/useTranslation";
import type { Fault } from "./useWorkflows";

type Translate = (key: string) => string;

/** Why something failed: in the reader's words where the catalogue has them, and in the appliance's own. */
export function FaultText({ fault }: { fault: Fault }) {
  const { t, i18n } = useTranslation();
  const say = t as Translate;
  const key = [`work_fault.${fault.code}`, `problem.${fault.code}.title`].find((one) => i18n.exists(one));
  return (
    <div className="text-sm">
      <p className="text-bad">{key ? say(key) : fault.code}</p>
      {fault.detail && <p className="break-words text-muted">{fault.detail}</p>}
    </div>
  );
}
