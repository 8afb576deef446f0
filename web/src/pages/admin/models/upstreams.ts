import type { Tier } from "@/api/types";
import type { UpstreamModel } from "./useModels";

/** The models of other machines that are members of a tier. */
export const elsewhereIn = (upstreams: readonly UpstreamModel[], tier: Tier): UpstreamModel[] =>
  upstreams.filter(({ tiers }) => tiers.includes(tier));

/** Why an upstream is down, as far as something of its own is to be done about it. */
export type Cause = "key" | "model" | "silent" | "name" | "address" | "connection" | "certificate" | "speech" | "other";

/** How the appliance says it: in a sentence, or by the code of the door that it went through. */
const SIGNS: readonly [sign: RegExp, cause: Cause][] = [
  [/refuses the key/, "key"],
  [/does not know the (call or the )?model/, "model"],
  [/did not answer in time|: timed_out$/, "silent"],
  [/: name_unresolved$/, "name"],
  [/: address_refused$/, "address"],
  [/: connect_failed$/, "connection"],
  [/: tls_failed$/, "certificate"],
  [/list of models can't be read|answers with status|: (exchange_failed|redirected)$/, "speech"],
];

export const causeOf = (detail: string): Cause => SIGNS.find(([sign]) => sign.test(detail))?.[1] ?? "other";

/** Whether the appliance's own words tell something beside the cause: a code, a status, what nobody foresaw. */
export const saysMore = (detail: string): boolean => detail !== "" && (causeOf(detail) === "other" || /: \w+$|\d/.test(detail));
