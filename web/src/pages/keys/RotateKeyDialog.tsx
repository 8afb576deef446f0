import type { ApiKey } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { SecretOnce } from "./SecretOnce";
import { useKeyChanges } from "./useKeys";

const HOUR_S = 3600;
const OVERLAPS_HOURS = [1, 24, 168, 720];

interface Props {
  apiKey: ApiKey;
  onClose: () => void;
}

export function RotateKeyDialog({ apiKey, onClose }: Props) {
  const { t } = useTranslation();
  const { rotate } = useKeyChanges();
  const overlap = (hours: number) =>
    hours < 48 ? t("key.overlap_hours", { count: hours }) : t("key.days", { count: hours / 24 });
  return (
    <Dialog open onClose={onClose} title={t("key.rotate_title", { name: apiKey.name })}>
      {rotate.data ? (
        <SecretOnce secret={rotate.data.secret} onClose={onClose} />
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            const hours = Number(new FormData(event.currentTarget).get("overlap"));
            rotate.mutate({ id: apiKey.id, overlap_s: hours * HOUR_S });
          }}
        >
          <p>{t("key.rotate_what")}</p>
          <ProblemNotice error={rotate.error} />
          <SelectField label={t("key.overlap")} name="overlap" defaultValue={24}>
            <option value={0}>{t("key.overlap_none")}</option>
            {OVERLAPS_HOURS.map((hours) => (
              <option key={hours} value={hours}>
                {overlap(hours)}
              </option>
            ))}
          </SelectField>
          <div className="flex flex-wrap justify-end gap-3">
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button look="primary" type="submit" busy={rotate.isPending}>
              {t("key.rotate")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
