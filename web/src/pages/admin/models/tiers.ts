import { TIERS } from "@/api/types";
import type { LanguageModel } from "./useModels";

/** What finds texts instead of writing them. */
export const ENCODERS = ["embed", "rerank"] as const;
/** What a model can be assigned to. */
export const ROLES = [...TIERS, ...ENCODERS] as const;
export type Role = (typeof ROLES)[number];

/** The models that take a role. */
export const servingIn = (models: readonly LanguageModel[], role: Role): LanguageModel[] =>
  models.filter(({ tiers }) => tiers.includes(role));

/** What a model must be made for to take a role. */
const purposeOf = (role: Role): string => ENCODERS.find((one) => one === role) ?? "generate";

/** The models that may take a role: those that are made for it, and have shown that they can. */
export const proven = (models: readonly LanguageModel[], role: Role): LanguageModel[] =>
  models.filter(({ trial, purpose }) => Boolean(trial.passed_at) && purpose === purposeOf(role));

/** Whether a trial goes on or is about to begin. */
export const isBeingTried = ({ trial }: LanguageModel): boolean => trial.state === "waiting" || trial.state === "running";

/** The hash as people compare it, by its beginning. */
export const shortHash = (hash: string): string => hash.slice(0, 12);

/** A rate as precise as it was measured. */
export const rounded = (rate: number): number => (rate < 100 ? Math.round(rate * 10) / 10 : Math.round(rate));

/** What the appliance says in bytes, in units that people read. */
export const withUnits = (detail: string, bytes: (value: number) => string): string =>
  detail.replace(/\b(\d{4,}) bytes\b/g, (_, digits: string) => bytes(Number(digits)));
