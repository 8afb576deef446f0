import type { Turn } from "./turn";

/** What the file says in the reader's language. */
export interface ExportWords {
  refused: string;
  sources: string;
  place: (citation: { revision_number: number; page: number }) => string;
}

/** Text that Markdown takes as it is. */
const plain = (text: string): string => text.replace(/[\\`*_{}<>#|]/g, "\\$&");

/** A conversation as a Markdown file, with every quote and where it stands. */
export function toMarkdown(title: string, turns: Turn[], words: ExportWords): string {
  const parts = [`# ${plain(title)}`];
  for (const { question, answer } of turns) {
    parts.push(`## ${plain(question)}`);
    if (!answer) continue;
    parts.push(answer.refused ? words.refused : plain(answer.text));
    if (!answer.citations.length) continue;
    const sources = answer.citations.map(
      (cited) =>
        `${cited.number}. ${plain(cited.document_title)} (${plain(cited.document_key)}), ${words.place(cited)}, ${cited.classification}\n\n   > ${plain(cited.quote).replace(/\n/g, "\n   > ")}`,
    );
    parts.push(`### ${words.sources}`, sources.join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}
