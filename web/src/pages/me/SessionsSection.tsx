import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

/** Where one is signed in, and a way to end it. */
export function SessionsSection() {
  const { t } = useTranslation();
  const { moment, ago } = useFormats();
  const client = useQueryClient();
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/auth/sessions", { signal })),
  });
  const end = useMutation({
    mutationFn: (session_id: string) =>
      take(api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <Section title={t("me.sessions")} hint={t("me.sessions_hint")}>
      {sessions.isPending && <Skeleton lines={2} />}
      <ProblemNotice error={sessions.error ?? end.error} />
      <ul className="flex flex-col">
        {sessions.data?.items.map((session) => (
          <li key={session.id} className="flex flex-wrap items-center gap-3 border-b py-2 last:border-0">
            <span className="min-w-0 grow">
              {t("me.session_since", { moment: moment(session.created_at) })}
              <span className="block text-sm text-muted">
                {t("me.session_seen", { ago: ago(session.last_seen_at), end: moment(session.expires_at) })}
              </span>
            </span>
            {session.current ? (
              <Badge tone="good">{t("me.session_this")}</Badge>
            ) : (
              <Button busy={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}>
                {t("me.session_end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}
