import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { User } from "@/api/types";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";

const PAGE = 200;

async function readAll(signal: AbortSignal): Promise<User[]> {
  const users: User[] = [];
  let cursor: string | undefined;
  do {
    const page = await take(api.GET("/api/v1/admin/users", { params: { query: { cursor, limit: PAGE } }, signal }));
    users.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return users;
}

/** Everybody in the tenant, for those who may see that. */
export function useUsers() {
  const may = useMay();
  return useQuery({ queryKey: ["users"], queryFn: ({ signal }) => readAll(signal), enabled: may("users.read") });
}

/** Who stands behind `user:<uuid>` or a bare id, as far as one may know. */
export function usePersonName(): (actor: string | null | undefined) => string {
  const { t } = useTranslation();
  const users = useUsers();
  return (actor) => {
    if (!actor || actor === "console") return t("person.console");
    const id = actor.replace(/^user:/, "");
    return users.data?.find((user) => user.id === id)?.display_name ?? actor;
  };
}
