import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, ShieldCheck } from "lucide-react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Empty, Skeleton } from "@/ui/States";
import { AuditFilterBar } from "./AuditFilterBar";
import { AuditRow } from "./AuditRow";
import { EntryDialog } from "./EntryDialog";
import { useAuditEntries, useVerifyLog } from "./useAudit";

/** The tenant's log: who did what, with proofs that one can check oneself. */
export function AuditPage() {
  const { t } = useTranslation();
  const { entry, ...filters } = useSearch({ from: "/admin/audit" });
  const navigate = useNavigate({ from: "/admin/audit" });
  const entries = useAuditEntries(filters);
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
  const change = (part: object) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  useTitle(t("admin.audit"));
  return (
    <>
      <VerifyBar />
      <AuditFilterBar filters={filters} onChange={change} />
      {entries.isPending && <Skeleton lines={8} />}
      <ProblemNotice error={entries.error} />
      {entries.isSuccess && items.length === 0 && <Empty title={t("audit.none")} />}
      {items.length > 0 && (
        <ul className="rounded-lg border bg-surface">
          {items.map((item) => (
            <AuditRow key={item.index} entry={item} onOpen={() => change({ entry: String(item.index) })} />
          ))}
        </ul>
      )}
      {entries.hasNextPage && (
        <Button busy={entries.isFetchingNextPage} onClick={() => void entries.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
      {entry && /^\d+$/.test(entry) && <EntryDialog index={Number(entry)} onClose={() => change({ entry: undefined })} />}
    </>
  );
}

function VerifyBar() {
  const { t } = useTranslation();
  const { number } = useFormats();
  const verify = useVerifyLog();
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap gap-3">
        <Button icon={<ShieldCheck aria-hidden className="size-5" />} busy={verify.isPending} onClick={() => verify.mutate()}>
          {verify.isPending ? t("audit.verifying") : t("audit.verify")}
        </Button>
        <a href="/api/v1/admin/audit/export" download className={buttonClass()}>
          <Download aria-hidden className="size-5" />
          {t("audit.export")}
        </a>
      </div>
      <ProblemNotice error={verify.error} />
      {verify.data?.logs.map((log) => (
        <Notice
          key={log.name}
          role="status"
          tone={log.sound ? "good" : "bad"}
          title={log.sound ? t("audit.sound", { count: log.size ?? 0, number: number(log.size ?? 0) }) : t("audit.unsound")}
        >
          {log.finding ? `${log.finding.kind}: ${log.finding.what}` : <code className="text-sm break-all">{log.root}</code>}
        </Notice>
      ))}
    </div>
  );
}
