// Reading an event stream from a POST (EventSource can only GET). A line per field, an empty line
// per event (WHATWG HTML section 9.2.6).

/** Calls `each(name, data, id)` for every event of the response's body. */
export async function readEvents(response, each) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = { event: "message", data: "", id: null };
      for (const line of block.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
      each(fields.event, JSON.parse(fields.data || "{}"), fields.id);
    }
  }
}
