import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Empty, Skeleton } from "@/ui/States";
import { JobRow } from "./JobRow";

const PAGE = 50;
const POLL_MS = 4000;

export function JobsPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  useTitle(t("admin.jobs"));
  const jobs = useInfiniteQuery({
    queryKey: ["jobs"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/jobs", { params: { query: { cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => {
      const [first, ...more] = query.state.data?.pages ?? [];
      const going = first?.items.some(({ state }) => state === "queued" || state === "running");
      return going && more.length === 0 ? POLL_MS : false;
    },
  });
  const cancel = useMutation({
    mutationFn: (job_id: string) => take(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {jobs.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={jobs.error ?? cancel.error} />
      {jobs.isSuccess && items.length === 0 && <Empty title={t("job.none")} />}
      {items.length > 0 && (
        <ul className="rounded-lg border bg-surface">
          {items.map((job) => (
            <JobRow key={job.id} job={job} busy={cancel.isPending && cancel.variables === job.id} onCancel={() => cancel.mutate(job.id)} />
          ))}
        </ul>
      )}
      {jobs.hasNextPage && (
        <Button busy={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </>
  );
}
