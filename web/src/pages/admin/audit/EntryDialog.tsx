import { useTranslation } from "@/i18n/useTranslation";
import { Dialog } from "@/ui/Dialog";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";
import { useEntryProof } from "./useAudit";

interface Props {
  index: number;
  onClose: () => void;
}

/** An entry as it was signed, checked in this browser. */
export function EntryDialog({ index, onClose }: Props) {
  const { t } = useTranslation();
  const checked = useEntryProof(index);
  return (
    <Dialog open onClose={onClose} title={t("audit.entry", { index })}>
      <div className="flex flex-col gap-4">
        {checked.isPending && <Spinner>{t("audit.checking")}</Spinner>}
        <ProblemNotice error={checked.error} />
        {checked.data && <Checked {...checked.data} />}
      </div>
    </Dialog>
  );
}

type CheckedProps = NonNullable<ReturnType<typeof useEntryProof>["data"]>;

function Checked({ head, proof, verdict }: CheckedProps) {
  const { t } = useTranslation();
  const sound = verdict.included && verdict.genuine !== false;
  return (
    <>
      <Notice role="status" tone={sound ? "good" : "bad"} title={sound ? t("audit.proved") : t("audit.not_proved")}>
        <ul>
          <li>{verdict.included ? t("audit.included", { size: head.size }) : t("audit.not_included")}</li>
          <li>
            {verdict.genuine === null
              ? t("audit.signature_unknown")
              : verdict.genuine
                ? t("audit.signature_genuine")
                : t("audit.signature_forged")}
          </li>
        </ul>
      </Notice>
      {proof.entry ? (
        <pre tabIndex={0} className="max-h-72 overflow-auto rounded-md bg-sunken p-3 text-sm whitespace-pre-wrap">
          {pretty(proof.entry)}
        </pre>
      ) : (
        <p>{t("audit.pruned")}</p>
      )}
      <dl className="flex flex-col gap-2 text-sm">
        {(
          [
            ["audit.leaf_hash", proof.leaf_hash],
            ["audit.root", head.root],
            ["audit.public_key", head.public_key],
          ] as const
        ).map(([label, value]) => (
          <div key={label}>
            <dt className="text-muted">{t(label)}</dt>
            <dd className="font-mono break-all select-all">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** The bytes are canonical JSON without blanks; for reading they get lines. */
function pretty(entry: string): string {
  try {
    return JSON.stringify(JSON.parse(entry), null, 2);
  } catch {
    return entry;
  }
}
