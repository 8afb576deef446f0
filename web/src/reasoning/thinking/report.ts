// What the thinking tools report. The API describes it as an object; this is what stands in it.

interface Completeness {
  complete: boolean;
  /** Code of what ended it early. */
  stopped_by: string | null;
  stopped_at: string | null;
  failed_steps: string[];
}

export interface Opinion {
  position: string;
  reasons: string[];
  unknowns: string[];
  confidence: number;
}

export interface Member {
  role: string;
  opinion: Opinion;
  rebuttals: { round: number; points: string[]; position: string; changed: boolean; confidence: number }[];
  vote: { option: number; reason: string } | null;
}

export interface CouncilReport {
  tool: "council";
  members: Member[];
  options: { number: number; text: string; votes: number }[];
  decision: number | null;
  majority: boolean;
  dissent: { role: string; option: number; reason: string; position: string }[];
  conclusion: string | null;
  completeness: Completeness;
}

export interface Finding {
  title: string;
  detail: string;
  severity: number;
  likelihood: number;
  risk: number;
  found_by: string[];
  response: "accepted" | "mitigated" | "rejected" | "unanswered";
  answer: string | null;
  change: string | null;
}

export interface RedTeamReport {
  tool: "red_team";
  findings: Finding[];
  verdict: "holds" | "needs_change" | "fails" | "open";
  attackers: string[];
  raw_findings: number;
  completeness: Completeness;
}

export interface PrinciplesReport {
  tool: "first_principles";
  assumptions: { number: number; text: string; stated: boolean; judged: "holds" | "doubtful" | "false" | "unjudged"; because: string | null }[];
  fundamentals: { number: number; text: string; basis: string }[];
  derivation: { from: number[]; text: string }[];
  conclusion: string | null;
  differs: boolean | null;
  open_questions: string[];
  unfounded_steps: number;
  completeness: Completeness;
}

export interface ThinkingResult {
  report: CouncilReport | RedTeamReport | PrinciplesReport;
  budget_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  seed: number;
  classification: string;
  export_control: string;
}
