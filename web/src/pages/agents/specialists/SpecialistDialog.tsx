import { Pencil } from "lucide-react";
import { useState } from "react";
import type { Agent } from "@/api/types";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { usePersonName } from "@/pages/admin/users/usePersonName";
import { useAgentWords } from "@/reasoning/useAgentWords";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Notice } from "@/ui/Notice";
import { OverrideForm } from "./OverrideForm";
import { FIELDS } from "./override";
import { SpecialistDetails } from "./SpecialistDetails";

interface Props {
  agent: Agent;
  everyTool: string[];
  onClose: () => void;
}

/** One specialist in full; those who may can change it for their tenant. */
export function SpecialistDialog({ agent, everyTool, onClose }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const { title } = useAgentWords()(agent);
  const [editing, setEditing] = useState(false);
  return (
    <Dialog open onClose={onClose} title={title} side="right">
      <div className="flex flex-col gap-5">
        <Changed agent={agent} />
        {editing ? (
          <OverrideForm agent={agent} everyTool={everyTool} onDone={() => setEditing(false)} />
        ) : (
          <>
            <SpecialistDetails agent={agent} />
            {may("agents.change") && (
              <Button className="self-start" icon={<Pencil aria-hidden className="size-5" />} onClick={() => setEditing(true)}>
                {t("specialists.change")}
              </Button>
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}

function Changed({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const person = usePersonName();
  if (!agent.changed.length || !agent.changed_at) return null;
  const fields = FIELDS.filter((field) => agent.changed.includes(field)).map((field) => t(`specialist_field.${field}`));
  return (
    <Notice title={t("specialists.changed_by", { who: person(agent.changed_by), when: moment(agent.changed_at) })}>
      {fields.join(", ")}
    </Notice>
  );
}
