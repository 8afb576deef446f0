import { Pencil, Trash2 } from "lucide-react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, LabelBadges } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { inWords } from "../workflows/steps";
import { Importance } from "./Importance";
import { KINDS, type Memory } from "./useMemories";

interface Props {
  memory: Memory;
  agent: string;
  /** Absent for those who may only look. */
  onEdit?: () => void;
  onForget?: () => void;
}

/** Something that is remembered, with who remembers it, since when, and until when. */
export function MemoryRow({ memory, agent, onEdit, onForget }: Props) {
  const { t } = useTranslation();
  const { ago, date } = useFormats();
  const kind = KINDS.find((one) => one === memory.kind);
  const source = memory.source.startsWith("conversation:") ? t("memory.from_conversation") : memory.source === "person" ? t("memory.from_you") : memory.source;
  const about = [
    agent,
    source,
    ago(memory.created_at),
    memory.last_used_at && t("memory.used", { ago: ago(memory.last_used_at) }),
    memory.expires_at && t("memory.until", { date: date(memory.expires_at) }),
  ];
  return (
    <li className="flex gap-2 border-b py-3 last:border-0">
      <div className="flex min-w-0 grow flex-col gap-1">
        <p className="break-words whitespace-pre-wrap">{memory.text}</p>
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Badge>{kind ? t(`memory.kind.${kind}`) : inWords(memory.kind)}</Badge>
          <Importance value={memory.importance} />
          {memory.classification !== "PUBLIC" && <LabelBadges classification={memory.classification} exportControl={memory.export_control} />}
        </div>
        <p className="text-sm text-muted">{about.filter(Boolean).join(" · ")}</p>
      </div>
      <div className="flex shrink-0 flex-col sm:flex-row">
        {onEdit && (
          <IconButton label={t("memory.edit_named", { text: memory.text.slice(0, 60) })} onClick={onEdit}>
            <Pencil aria-hidden className="size-5" />
          </IconButton>
        )}
        {onForget && (
          <IconButton label={t("memory.forget_named", { text: memory.text.slice(0, 60) })} onClick={onForget}>
            <Trash2 aria-hidden className="size-5" />
          </IconButton>
        )}
      </div>
    </li>
  );
}
