// Reading an event stream from a POST (EventSource can only GET). WHATWG HTML section 9.2.6.

export interface StreamEvent {
  name: string;
  data: string;
  id: string | null;
}

/** Cuts text that comes in pieces into events. */
export class EventParser {
  #rest = "";
  #fields = { name: "message", data: [] as string[], id: null as string | null };

  /** The events that `piece` completes. */
  push(piece: string): StreamEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const events: StreamEvent[] = [];
    for (const line of lines) {
      if (line === "") this.#dispatch(events);
      else this.#field(line);
    }
    return events;
  }

  #dispatch(events: StreamEvent[]): void {
    const { name, data, id } = this.#fields;
    if (data.length) events.push({ name, data: data.join("\n"), id });
    this.#fields = { name: "message", data: [], id };
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#fields.name = value;
    else if (field === "data") this.#fields.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#fields.id = value;
  }
}

/** Calls `each` for every event of the response's body, until it ends. */
export async function readEvents(response: Response, each: (event: StreamEvent) => void): Promise<void> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const event of parser.push(decoder.decode(value, { stream: true }))) each(event);
  }
}
