import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Ellipsis, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Conversation } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { lazily } from "@/ui/lazily";
import { Menu } from "@/ui/Menu";
import { useConversationChanges } from "./useConversations";

const ConfirmDialog = lazily(() => import("@/ui/ConfirmDialog"), "ConfirmDialog");
const RenameDialog = lazily(() => import("./RenameDialog"), "RenameDialog");

interface Props {
  conversation: Conversation;
  excerpt?: string;
}

export function ConversationItem({ conversation, excerpt }: Props) {
  const { t } = useTranslation();
  const { ago } = useFormats();
  const [asking, setAsking] = useState<"rename" | "delete" | null>(null);
  const { pin, remove } = useConversationChanges();
  const { pinned } = conversation;
  const PinIcon = pinned ? PinOff : Pin;
  const navigate = useNavigate();
  const { conversationId: shown } = useParams({ strict: false });
  const close = () => setAsking(null);
  const confirm = () =>
    remove.mutate(conversation.id, {
      onSuccess: () => {
        close();
        if (shown === conversation.id) void navigate({ to: "/ask/{-$conversationId}", params: { conversationId: undefined } });
      },
    });
  return (
    <li className="group flex items-center rounded-md hover:bg-hover">
      <Link
        to="/ask/{-$conversationId}"
        params={{ conversationId: conversation.id }}
        className="flex min-h-target min-w-0 grow flex-col justify-center rounded-md px-3 py-1"
        activeProps={{ className: "bg-accent-soft text-accent-strong" }}
      >
        <span className="flex min-w-0 items-center gap-1.5 text-sm">
          {pinned && <Pin role="img" aria-label={t("conversations.pinned")} className="size-3.5 shrink-0 text-accent" fill="currentColor" />}
          <span className="truncate">{conversation.title}</span>
        </span>
        <span className="truncate text-xs text-muted">{excerpt ?? ago(conversation.updated_at)}</span>
      </Link>
      <Menu
        trigger={
          <IconButton label={t("conversations.actions", { title: conversation.title })}>
            <Ellipsis aria-hidden className="size-5" />
          </IconButton>
        }
        entries={[
          {
            label: pinned ? t("conversations.unpin") : t("conversations.pin"),
            icon: <PinIcon aria-hidden className="size-5" />,
            onSelect: () => pin.mutate({ id: conversation.id, pinned: !pinned }),
          },
          {
            label: t("conversations.rename"),
            icon: <Pencil aria-hidden className="size-5" />,
            onSelect: () => setAsking("rename"),
          },
          {
            label: t("conversations.delete"),
            icon: <Trash2 aria-hidden className="size-5" />,
            danger: true,
            onSelect: () => setAsking("delete"),
          },
        ]}
      />
      {asking === "rename" && <RenameDialog conversation={conversation} open onClose={close} />}
      {asking === "delete" && (
        <ConfirmDialog
          open
          title={t("conversations.delete_title")}
          what={t("conversations.delete_what", { title: conversation.title })}
          confirm={t("conversations.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={confirm}
          onClose={close}
        />
      )}
    </li>
  );
}
