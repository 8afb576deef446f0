import { expect, it } from "vitest";
import { EventParser } from "./events";

const stream = 'event: status\nid: a:1\ndata: {"stage":"reading"}\n\n: comment\nevent: token\nid: a:2\ndata: {"text":"3 mm"}\n\n';

it("reads events whatever the pieces in which they come", () => {
  for (const size of [1, 2, 7, 1000]) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    expect(events).toEqual([
      { name: "status", data: '{"stage":"reading"}', id: "a:1" },
      { name: "token", data: '{"text":"3 mm"}', id: "a:2" },
    ]);
  }
});

it("joins data lines, takes other line ends, and keeps the last id", () => {
  const parser = new EventParser();
  expect(parser.push("id: 7\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n")).toEqual([
    { name: "message", data: "a\nb", id: "7" },
    { name: "message", data: "c", id: "7" },
  ]);
});
