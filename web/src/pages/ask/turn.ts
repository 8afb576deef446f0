import type { Answer, Citation, Feedback, Message, NearestPassage, Receipt } from "@/api/types";

/** A question with what became of it. */
export interface Turn {
  key: string;
  question: string;
  answer: TurnAnswer | null;
}

export interface TurnAnswer {
  message_id: string;
  text: string;
  citations: Citation[];
  refused: boolean;
  nearest: NearestPassage[];
  withheld: boolean;
  classification: string;
  export_control: string;
  receipt: Receipt | null;
  /** What the person said about it. */
  feedback: Feedback | null;
  created_at: string;
}

/** The messages of a conversation as questions with their answers. */
export function turnsOf(messages: Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.author === "person") {
      turns.push({ key: message.id, question: message.text, answer: null });
      continue;
    }
    const turn = turns.at(-1);
    if (turn && !turn.answer) turn.answer = answerOfMessage(message);
  }
  return turns;
}

function answerOfMessage(message: Message): TurnAnswer {
  const receipt = receiptOf(message.receipt);
  return {
    message_id: message.id,
    text: message.text,
    citations: message.citations,
    refused: Boolean(message.refusal),
    nearest: message.refusal ? storedNearest(message.receipt) : [],
    withheld: message.withheld,
    classification: message.classification,
    export_control: message.export_control,
    receipt,
    feedback: message.feedback ?? null,
    created_at: message.created_at,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function receiptOf(value: unknown): Receipt | null {
  return isObject(value) && typeof value.audit_index === "number" ? (value as unknown as Receipt) : null;
}

/** A receipt keeps the nearest passages with their label in one piece. */
function storedNearest(receipt: unknown): NearestPassage[] {
  if (!isObject(receipt) || !Array.isArray(receipt.nearest)) return [];
  return receipt.nearest.filter(isObject).map((near) => {
    const label = isObject(near.label) ? near.label : {};
    return {
      ...(near as unknown as NearestPassage),
      classification: String(label.classification ?? near.classification ?? ""),
      export_control: String(label.export_control ?? near.export_control ?? "none"),
    };
  });
}

/** The messages that an answer adds to its conversation. */
export function messagesOf(question: string, answer: Answer, sequence: number): Message[] {
  const shared = {
    classification: answer.classification,
    export_control: answer.export_control,
    created_at: answer.created_at,
    withheld: false,
  };
  return [
    { ...shared, id: answer.question_id, author: "person", text: question, citations: [], sequence },
    {
      ...shared,
      id: answer.message_id,
      author: "appliance",
      text: answer.text,
      citations: answer.citations,
      refusal: answer.refusal,
      receipt: answer.receipt,
      sequence: sequence + 1,
    },
  ];
}
