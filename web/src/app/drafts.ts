// Questions that were begun, in memory alone: nothing is left behind in the browser.

const drafts = new Map<string, string>();
let owner: string | null = null;

/** Drafts outlive the end of a session, for the person who wrote them. */
export function claimDrafts(userId: string): void {
  if (owner !== null && owner !== userId) drafts.clear();
  owner = userId;
}

export const draftOf = (thread: string): string => drafts.get(thread) ?? "";

export function setDraft(thread: string, text: string): void {
  if (text) drafts.set(thread, text);
  else drafts.delete(thread);
}

export function forgetDrafts(): void {
  drafts.clear();
  owner = null;
}
