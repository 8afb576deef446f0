// The router gives its reasons as English sentences; the ones it is known to give are told in the
// reader's language.

const PATTERNS: [RegExp, string][] = [
  [/^an administrator has fixed the tier to (\w+)$/, "pinned"],
  [/^a short question for one thing$/, "short"],
  [/^it looks something up$/, "lookup"],
  [/^it is of no known kind$/, "other"],
  [/^it asks for a procedure$/, "procedure"],
  [/^it asks for an explanation$/, "explain"],
  [/^it asks for a calculation$/, "calculate"],
  [/^it compares$/, "compare"],
  [/^it asks for a diagnosis$/, "diagnose"],
  [/^(\d+) characters in the question$/, "characters"],
  [/^(\d+) documents to bring together$/, "documents"],
  [/^(\d+) tools probably needed$/, "tools"],
  [/^(\d+) turns of conversation before it$/, "turns"],
];

/** Which reason it is, and the number or word in it; nothing for one that is not known. */
export function routerReason(reason: string): { key: string; value: string } | null {
  for (const [pattern, key] of PATTERNS) {
    const found = pattern.exec(reason);
    if (found) return { key, value: found[1] ?? "" };
  }
  return null;
}
