import type { components, operations } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type LoginAnswer = Schemas["LoginAnswer"];
export type FactorEnrolment = Schemas["FactorEnrolment"];
export type Answer = Schemas["Answer"];
export type Citation = Schemas["Citation"];
export type NearestPassage = Schemas["NearestPassage"];
export type Conversation = Schemas["Conversation"];
export type ConversationDetails = Schemas["ConversationDetails"];
export type Message = Schemas["Message"];
export type Document = Schemas["Document"];
export type DocumentDetails = Schemas["DocumentDetails"];
export type Revision = Schemas["Revision"];
export type PageText = Schemas["PageText"];
export type Block = Schemas["Block"];
export type BoxView = Schemas["BoxView"];
export type Passage = Schemas["Passage"];
export type SearchAnswer = Schemas["SearchAnswer"];
export type Uploaded = Schemas["Uploaded"];
export type Job = Schemas["Job"];
export type User = Schemas["User"];
export type Session = Schemas["Session"];
export type Token = Schemas["Token"];
export type Feedback = Schemas["Feedback"];
export type FeedbackEntry = Schemas["FeedbackEntry"];
export type FeedbackTotals = Schemas["FeedbackTotals"];
export type DailyMetrics = Schemas["DailyMetrics"];
export type Tenant = Schemas["Tenant"];
export type ApiKey = Schemas["ApiKey"];
export type Group = Schemas["Group"];
export type AuditEntry = Schemas["AuditEntry"];
export type Part = Schemas["Part"];
export type PartState = Schemas["PartState"];
export type SettingsView = Schemas["SettingsView"];
export type SettingsPatch = Schemas["SettingsPatch"];
export type Agent = Schemas["Agent"];
export type AgentChange = Schemas["AgentChangeRequest"];
export type AgentTool = Schemas["Tool"];
export type PlaygroundRequest = Schemas["PlaygroundRunRequest"];
export type Trace = Schemas["Trace"];
export type TraceEntry = Schemas["TraceEntry"];
export type TraceStep = Schemas["TraceStep"];
export type TraceComparison = Schemas["TraceComparison"];
export type ThinkRequest = Schemas["ThinkRequest"];
export type ThinkingEstimate = Schemas["ThinkingEstimate"];
export type ProblemDocument = Schemas["Problem"];

/** Query parameters of an operation. */
export type QueryOf<O extends keyof operations> = NonNullable<operations[O]["parameters"]["query"]>;

/** What a receipt says; the API passes it on as it was stored with the answer. */
export interface Receipt {
  mode: string;
  chunks_shown: number[];
  revisions: string[];
  embedder: string | null;
  /** The model that has put the best passages in order. */
  reranker?: string;
  decision: { score?: number; threshold?: number } & Record<string, unknown>;
  resolved_question: string | null;
  degraded: string | null;
  candidates: number;
  timings: Record<string, number>;
  audit_index: number;
  /** How a model came to the answer, or tried to. */
  generated?: Generated;
  /** Why quote mode answered in the place of a model. */
  fallback?: string;
}

/** A sentence that was not shown, and why. */
export interface Struck {
  text: string;
  reason: string;
  detail?: string;
}

export interface Generated {
  model_name: string | null;
  tier: string;
  router: { tier: string; reasons: string[]; pinned: boolean };
  tokens: { prompt_tokens: number; cached_tokens: number; completion_tokens: number };
  seed: number;
  check: string;
  struck: Struck[];
  tries: number;
  broken_off?: string;
  /** The agent that took part, and why it; absent when none did. */
  agent?: { agent: string; reason: string; pinned: boolean };
  /** The stored trace of a reasoned answer. */
  trace?: string;
}

export const CLASSIFICATIONS = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

export const TIERS = ["light", "standard", "heavy"] as const;
export type Tier = (typeof TIERS)[number];

export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];
