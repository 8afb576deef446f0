import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { usePersonName } from "../admin/users/usePersonName";
import { useDisclosures } from "./useDocument";

/** Who was shown something of the document. */
export function DisclosureList({ id }: { id: string }) {
  const { t } = useTranslation();
  const { exact } = useFormats();
  const nameOf = usePersonName();
  const disclosures = useDisclosures(id, true);
  return (
    <Section title={t("document.disclosures")} hint={t("document.disclosures_hint")}>
      {disclosures.isPending && <Skeleton lines={3} />}
      <ProblemNotice error={disclosures.error} />
      {disclosures.data?.items.length === 0 && <p className="text-muted">{t("document.disclosures_none")}</p>}
      {disclosures.data && disclosures.data.items.length > 0 && (
        <div className="max-h-80 overflow-auto" tabIndex={0} role="region" aria-label={t("document.disclosures")}>
          <table className="w-full text-sm">
            <thead className="text-left text-muted">
              <tr>
                <th scope="col" className="py-1 pr-3 font-medium">{t("audit.time")}</th>
                <th scope="col" className="py-1 pr-3 font-medium">{t("audit.actor")}</th>
                <th scope="col" className="py-1 pr-3 font-medium">{t("audit.action")}</th>
                <th scope="col" className="py-1 font-medium">{t("audit.index")}</th>
              </tr>
            </thead>
            <tbody>
              {disclosures.data.items.map((one) => (
                <tr key={one.index} className="border-t">
                  <td className="py-1 pr-3 whitespace-nowrap">{exact(one.time)}</td>
                  <td className="py-1 pr-3">{nameOf(one.actor)}</td>
                  <td className="py-1 pr-3 font-mono">{one.action}</td>
                  <td className="py-1 tabular-nums">{one.index}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
