import type { LanguageModel } from "./useModels";

/** From the quickest to the most thorough. */
export const TIERS = ["light", "standard", "heavy"] as const;
export type Tier = (typeof TIERS)[number];

/** The models that serve a tier. */
export const servingIn = (models: readonly LanguageModel[], tier: Tier): LanguageModel[] =>
  models.filter(({ tiers }) => tiers.includes(tier));

/** The models that a tier may be given: those that have shown that they can write. */
export const proven = (models: readonly LanguageModel[]): LanguageModel[] =>
  models.filter(({ trial }) => Boolean(trial.passed_at));

/** Whether a trial goes on or is about to begin. */
export const isBeingTried = ({ trial }: LanguageModel): boolean => trial.state === "waiting" || trial.state === "running";

/** The hash as people compare it, by its beginning. */
export const shortHash = (hash: string): string => hash.slice(0, 12);

/** A rate as precise as it was measured. */
export const rounded = (rate: number): number => (rate < 100 ? Math.round(rate * 10) / 10 : Math.round(rate));

/** What the appliance says in bytes, in units that people read. */
export const withUnits = (detail: string, bytes: (value: number) => string): string =>
  detail.replace(/\b(\d{4,}) bytes\b/g, (_, digits: string) => bytes(Number(digits)));
