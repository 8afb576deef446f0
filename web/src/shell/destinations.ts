import { BookOpenText, Bot, MessageCircleQuestion, Search, Settings2, type LucideIcon } from "lucide-react";
import { useMay } from "@/app/session";

interface Destination {
  to: "/ask/{-$conversationId}" | "/documents" | "/search" | "/agents" | "/admin";
  label: "nav.ask" | "nav.documents" | "nav.search" | "nav.agents" | "nav.admin";
  icon: LucideIcon;
  permission: string;
}

const DESTINATIONS: Destination[] = [
  { to: "/ask/{-$conversationId}", label: "nav.ask", icon: MessageCircleQuestion, permission: "chat.send" },
  { to: "/documents", label: "nav.documents", icon: BookOpenText, permission: "documents.read" },
  { to: "/search", label: "nav.search", icon: Search, permission: "search.query" },
  { to: "/agents", label: "nav.agents", icon: Bot, permission: "agents.read" },
  { to: "/admin", label: "nav.admin", icon: Settings2, permission: "settings.read" },
];

/** The pages that the person's role may see. */
export function useDestinations(): Destination[] {
  const may = useMay();
  return DESTINATIONS.filter(({ permission }) => may(permission));
}
