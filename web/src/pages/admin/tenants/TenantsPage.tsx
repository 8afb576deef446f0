import { Building2 } from "lucide-react";
import { useState } from "react";
import { hasCode } from "@/api/problem";
import type { Tenant } from "@/api/types";
import { useMe } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Notice } from "@/ui/Notice";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { NewTenantDialog } from "./NewTenantDialog";
import { useTenantChanges, useTenants } from "./useTenants";

/** The tenants of the appliance, for those who administer it. */
export function TenantsPage() {
  const { t } = useTranslation();
  const tenants = useTenants();
  const [adding, setAdding] = useState(false);
  useTitle(t("admin.tenants"));
  if (hasCode(tenants.error, "forbidden")) {
    return <Notice title={t("tenant.not_yours")}>{t("tenant.not_yours_next")}</Notice>;
  }
  const add = tenants.isSuccess && (
    <Button look="primary" icon={<Building2 aria-hidden className="size-5" />} onClick={() => setAdding(true)}>
      {t("tenant.add")}
    </Button>
  );
  return (
    <Section title={t("admin.tenants")} hint={t("tenant.hint")} actions={add}>
      {tenants.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={tenants.error} />
      <ul className="flex flex-col">
        {tenants.data?.items.map((tenant) => (
          <TenantRow key={tenant.id} tenant={tenant} />
        ))}
      </ul>
      {adding && <NewTenantDialog onClose={() => setAdding(false)} />}
    </Section>
  );
}

const STATUSES = { creating: "accent", active: "good", suspended: "warn", removed: "plain" } as const satisfies Record<string, Tone>;

function StatusBadge({ status }: { status: string }) {
  const { t } = useTranslation();
  if (!(status in STATUSES)) return <Badge>{status}</Badge>;
  const known = status as keyof typeof STATUSES;
  return <Badge tone={STATUSES[known]}>{t(`tenant.status.${known}`)}</Badge>;
}

function TenantRow({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const own = useMe().tenant_id === tenant.id;
  const { suspend, resume } = useTenantChanges();
  const [suspending, setSuspending] = useState(false);
  return (
    <li className="flex flex-wrap items-center gap-3 border-b py-3 last:border-0">
      <div className="min-w-0 grow basis-60">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium">{tenant.name}</span>
          <StatusBadge status={tenant.status} />
          {own && <Badge tone="accent">{t("tenant.own")}</Badge>}
        </p>
        <p className="text-sm text-muted">{`${tenant.slug} · ${t("tenant.made", { moment: moment(tenant.created_at) })}`}</p>
      </div>
      {/* Whoever suspends their own tenant could not resume it. */}
      {tenant.status === "active" && !own && <Button onClick={() => setSuspending(true)}>{t("tenant.suspend")}</Button>}
      {tenant.status === "suspended" && (
        <Button busy={resume.isPending} onClick={() => resume.mutate(tenant.id)}>
          {t("tenant.resume")}
        </Button>
      )}
      <ProblemNotice error={resume.error} />
      <ConfirmDialog
        open={suspending}
        title={t("tenant.suspend_title", { name: tenant.name })}
        what={t("tenant.suspend_what")}
        confirm={t("tenant.suspend")}
        busy={suspend.isPending}
        error={suspend.error}
        onConfirm={() => suspend.mutate(tenant.id, { onSuccess: () => setSuspending(false) })}
        onClose={() => setSuspending(false)}
      />
    </li>
  );
}
