import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser } from "../lib/sse-parser.js";
import { randomOf } from "./random.js";

const encoder = new TextEncoder();

function parse(pieces, lastEventId) {
  const events = [];
  const retries = [];
  const parser = new SseParser((event) => events.push(event), (ms) => retries.push(ms), lastEventId);
  for (const piece of [pieces].flat()) parser.feed(piece);
  return { events, retries };
}

const dataOf = (text) => parse(text).events.map(({ data }) => data);

test("lines end in CR, LF or CRLF, also mixed", () => {
  assert.deepEqual(dataOf("data: a\n\ndata: b\r\rdata: c\r\n\r\ndata: d\r\n\n"), ["a", "b", "c", "d"]);
});

test("an event whose lines end in CR is there before the next piece comes", () => {
  assert.deepEqual(dataOf(["data: a\r\r"]), ["a"]);
  assert.deepEqual(dataOf(["data: a\r\n\r", "\ndata: b\r\n\r\n"]), ["a", "b"]);
});

test("one space after the colon is dropped, a second is not", () => {
  assert.deepEqual(dataOf("data:a\n\ndata:  b\n\ndata:\tc\n\n"), ["a", " b", "\tc"]);
});

test("data of several lines is joined with LF, and a field without a colon is empty", () => {
  assert.deepEqual(dataOf("data: a\ndata\ndata: b\n\n"), ["a\n\nb"]);
  assert.deepEqual(dataOf("data\n\n"), [""]);
});

test("comments, unknown fields and events without data are no events", () => {
  assert.deepEqual(dataOf(": hello\n\nfoo: bar\n\nevent: x\n\nid: 1\n\n"), []);
});

test("an event's name is its own, its id stays for those after it", () => {
  assert.deepEqual(parse("event: x\nid: 7\ndata: a\n\ndata: b\n\n").events, [
    { event: "x", data: "a", id: "7" },
    { event: "", data: "b", id: "7" },
  ]);
});

test("an id is set by an event without data, and unset by an empty one", () => {
  assert.deepEqual(parse("id: 7\n\ndata: a\n\nid\ndata: b\n\n").events.map(({ id }) => id), ["7", ""]);
});

test("an id with NUL in it is passed over", () => {
  assert.equal(parse("id: 7\ndata: a\nid: 8\0\n\n").events[0].id, "7");
});

test("retry takes digits alone", () => {
  assert.deepEqual(parse("retry: 250\nretry: 1e3\nretry: -1\nretry: +5\nretry:\nretry: 10 \nretry:30\n").retries, [250, 30]);
});

test("a byte order mark is dropped at the very beginning alone", () => {
  const bom = new Uint8Array([0xef, 0xbb, 0xbf]);
  assert.deepEqual(dataOf([bom.slice(0, 1), bom.slice(1), encoder.encode("data: a\n\n")]), ["a"]);
  assert.deepEqual(dataOf([encoder.encode("data: \ufeffa\n\n\ufeffdata: b\n\n")]), ["\ufeffa"]);
});

test("bytes that are no UTF-8 become U+FFFD", () => {
  assert.deepEqual(dataOf(new Uint8Array([...encoder.encode("data: a"), 0xff, ...encoder.encode("b\n\n")])), ["a\ufffdb"]);
});

test("an event that was cut off is none, and its id is not taken", () => {
  for (const rest of ["data: b\nid: 8\n", "data: b\nid: 8", "data: b\n"]) {
    assert.deepEqual(parse(`data: a\nid: 7\n\n${rest}`).events, [{ event: "", data: "a", id: "7" }]);
  }
});

test("a field's name is compared as it is", () => {
  assert.deepEqual(dataOf("Data: a\n\n data: b\n\ndata : c\n\n"), []);
});

test("wherever the bytes are cut, the events are the same", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const random = randomOf(seed);
  for (let round = 0; round < 300; round++) {
    const text = randomStream(random);
    const bytes = encoder.encode(text);
    const whole = parse(bytes);
    const pieces = [];
    for (let start = 0; start < bytes.length;) {
      const end = start + (random.next() < 0.5 ? 1 : 1 + random.below(12));
      pieces.push(bytes.slice(start, end));
      start = end;
    }
    assert.deepEqual(parse(pieces), whole, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`);
    assert.deepEqual(whole.events, reference(text), `seed ${seed}, round ${round}: ${JSON.stringify(text)}`);
  }
});

function randomStream(random) {
  const fields = ["data: ", "data:", "data", "id: ", "id", "event: ", "retry: ", ":", "foo: ", ""];
  const values = ["", "a", "42", "ü", "🌩", "x\0y", "a: b", " ", "\ufeff"];
  let text = random.next() < 0.2 ? "\ufeff" : "";
  for (let line = random.below(40); line > 0; line--) {
    text += (random.next() < 0.35 ? "" : random.pick(fields) + random.pick(values)) + random.pick(["\n", "\r", "\r\n"]);
  }
  return text + (random.next() < 0.5 ? "data: cut off" : "");
}

/** The standard's own steps, on a whole text, and slowly. */
function reference(text) {
  const lines = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").split("\n");
  lines.pop(); // not ended
  const events = [];
  let [data, event, id] = ["", "", ""];
  for (const line of lines) {
    if (line === "") {
      if (data !== "") events.push({ event, data: data.endsWith("\n") ? data.slice(0, -1) : data, id });
      data = event = "";
      continue;
    }
    const match = /^([^:]*)(?:: ?([^]*))?$/.exec(line);
    if (line.startsWith(":") || !match) continue;
    const [, field, value = ""] = match;
    if (field === "data") data += value + "\n";
    if (field === "event") event = value;
    if (field === "id" && !value.includes("\0")) id = value;
  }
  return events;
}
