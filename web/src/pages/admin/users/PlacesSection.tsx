import { useId, useState, type ReactNode } from "react";
import type { ApiKey } from "@/api/types";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { KeySummary } from "@/pages/keys/KeySummary";
import { RevokeKeyDialog } from "@/pages/keys/RevokeKeyDialog";
import { useKeysOf } from "@/pages/keys/useKeys";
import { Button } from "@/ui/Button";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useRoleName } from "@/ui/useRoleName";
import { useEndPlace, usePlaces, type Place } from "./usePlaces";

/** Where somebody is signed in and with what keys machines act for them, and a way to end it. */
export function PlacesSection({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const places = usePlaces(userId);
  const keys = useKeysOf(userId);
  const may = useMay();
  const end = useEndPlace(userId);
  const titleId = useId();
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const ending = (place: Place) =>
    may("sessions.revoke") && (
      <Button busy={end.isPending && end.variables.id === place.id} onClick={() => end.mutate(place)}>
        {t("user.place_end")}
      </Button>
    );
  return (
    <section aria-labelledby={titleId} className="mt-6 flex flex-col gap-3 border-t pt-5">
      <h3 id={titleId} className="font-semibold">
        {t("user.places")}
      </h3>
      <ProblemNotice error={places.error ?? end.error} />
      {places.isPending && <Skeleton lines={2} />}
      {places.data && <Places places={places.data} ending={ending} />}
      <h3 className="font-semibold">{t("user.keys")}</h3>
      <ProblemNotice error={keys.error} />
      {keys.data?.items.length === 0 && <p className="text-muted">{t("user.keys_none")}</p>}
      <ul className="flex flex-col">
        {keys.data?.items.map((key) => (
          <li key={key.id} className="flex flex-wrap items-start gap-3 border-b py-2 last:border-0">
            <KeySummary apiKey={key} />
            {may("sessions.revoke") && (
              <Button look="danger" onClick={() => setRevoking(key)}>
                {t("key.revoke")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {revoking && <RevokeKeyDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </section>
  );
}

interface PlacesProps {
  places: NonNullable<ReturnType<typeof usePlaces>["data"]>;
  ending: (place: Place) => ReactNode;
}

function Places({ places, ending }: PlacesProps) {
  const { t } = useTranslation();
  const { moment, ago } = useFormats();
  const roleName = useRoleName();
  const { sessions, tokens, families } = places;
  const seen = (at: string, ends: string) => t("user.place_seen", { ago: ago(at), end: moment(ends) });
  const rows: [Place, string, string][] = [
    ...sessions.map((one): [Place, string, string] => [
      { kind: "session", id: one.id },
      t("user.place_browser", { moment: moment(one.created_at) }),
      seen(one.last_seen_at, one.expires_at),
    ]),
    ...families.map((one): [Place, string, string] => [
      { kind: "family", id: one.id },
      t("user.place_family", { role: roleName(one.role), moment: moment(one.created_at) }),
      seen(one.last_used_at, one.expires_at),
    ]),
    ...tokens.map((one): [Place, string, string] => [
      { kind: "token", id: one.id },
      t("user.place_token", { role: roleName(one.role), moment: moment(one.issued_at) }),
      t("user.place_ends", { end: moment(one.expires_at) }),
    ]),
  ];
  if (!rows.length) return <p className="text-muted">{t("user.places_none")}</p>;
  return (
    <ul className="flex flex-col">
      {rows.map(([place, what, when]) => (
        <li key={place.id} className="flex flex-wrap items-center gap-3 border-b py-2 last:border-0">
          <span className="min-w-0 grow">
            {what}
            <span className="block text-sm text-muted">{when}</span>
          </span>
          {ending(place)}
        </li>
      ))}
    </ul>
  );
}
