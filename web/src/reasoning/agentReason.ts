// The appliance says in English why an agent takes part; the reasons that it is known to give are told
// in the reader's language.

export interface AgentReason {
  key: "named" | "words" | "nobody_else";
  /** The words of the question that speak for the agent, or their beginnings. */
  words: string[];
}

const WORDS = /^the task speaks of (".+")$/;

/** Which reason it is; nothing for one that is not known. */
export function agentReason(reason: string): AgentReason | null {
  if (reason === "it was named") return { key: "named", words: [] };
  if (reason === "no other agent is meant for such a task") return { key: "nobody_else", words: [] };
  const list = WORDS.exec(reason)?.[1];
  // The tenant chooses the words: one of them may have commas in it.
  return list ? { key: "words", words: list.slice(1, -1).split('", "') } : null;
}
