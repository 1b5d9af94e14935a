import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { watchMany } from "../many.js";
import { settle } from "./fake-service.js";

const IDS = ["01a1fdf6-1dcd-7b42-aa02-95a778251af6", "01a1fdf7-1dcd-7b42-aa02-95a778251af7", "01a1fdf8-1dcd-7b42-aa02-95a778251af8"];

/** Answers each request for the stream with a body that the test writes to. */
class ManyService {
  requests = [];
  heads = IDS.map(() => -1);
  cursor = IDS.map(() => "-");
  #encoder = new TextEncoder();
  #controller;

  fetch = async (url, { headers, body, method = "GET", signal }) => {
    this.requests.push({ url, method, body, cursor: new Headers(headers).get("Last-Event-ID") });
    const stream = new ReadableStream({ start: (controller) => { this.#controller = controller; } });
    signal.addEventListener("abort", () => this.cut(signal.reason));
    return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
  };

  send(place, fields, hasIndex = true) {
    const message = { type: "progress", sessionId: IDS[place], timestamp: 1_795_262_127_000, ...fields };
    if (hasIndex) message.index = ++this.heads[place];
    this.cursor[place] = hasIndex ? `1-${message.index}` : this.cursor[place];
    this.write(message, this.cursor.join("."));
    return message;
  }

  write(message, id) {
    this.#controller.enqueue(this.#encoder.encode(`data: ${JSON.stringify(message)}\n${id ? `id: ${id}\n` : ""}\n`));
  }

  cut(reason = new TypeError("cut")) {
    try {
      this.#controller?.error(reason);
    } catch {
      // It had ended.
    }
  }
}

let service;
let closing;
let told;
let connections;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_795_262_127_000 });
  [service, closing, told, connections] = [new ManyService(), new AbortController(), [], []];
});

afterEach(async () => {
  closing.abort();
  await settle();
  mock.timers.reset();
});

function watch(options = {}) {
  const callbacks = {
    onMessage: ({ type }, { id }) => told.push(`${IDS.indexOf(id)} ${type}`),
    onDeleted: ({ sessionId }) => told.push(`${IDS.indexOf(sessionId)} deleted`),
    onConnection: (connection) => connections.push(connection),
  };
  return watchMany(IDS, callbacks, { fetch: service.fetch, baseUrl: "http://service.test", ...options }, { signal: closing.signal });
}

async function pass(seconds) {
  for (let step = 0; step < seconds * 2; step++) {
    mock.timers.tick(500);
    await settle();
  }
}

test("each session has a state of its own, and the connection one cursor for all", async () => {
  const done = watch();
  await settle();
  service.send(0, { type: "start", kind: "ideation", transformId: "t-0" });
  service.send(2, { type: "start", kind: "logo", transformId: "t-2" });
  service.send(0, { progress: 40 });
  service.send(2, { progress: 10 });
  await settle();
  service.cut();
  await pass(3);
  assert.equal(service.requests.length, 2);
  assert.equal(service.requests[1].url, `http://service.test/api/stream?ids=${IDS}`);
  assert.equal(service.requests[1].cursor, "1-1.-.1-1");
  for (const place of [0, 1, 2]) service.send(place, { type: "end", status: place === 1 ? "failed" : "completed" });
  const states = await done;
  assert.deepEqual(states.map(({ status }) => status), ["completed", "failed", "completed"]);
  assert.deepEqual(states.map(({ kind }) => kind), ["ideation", undefined, "logo"]);
  assert.deepEqual(told, ["0 start", "2 start", "0 progress", "2 progress", "0 end", "1 end", "2 end"]);
  assert.deepEqual(connections, ["connecting", "live", "reconnecting", "live", "ended"]);
});

test("a message that is missing of one session is read again from the cursor of all", async () => {
  const done = watch();
  await settle();
  service.send(0, { type: "start" });
  service.send(1, { type: "start" });
  service.heads[1] = 5;
  service.send(1, { progress: 50 });
  await settle();
  assert.equal(service.requests[1].cursor, "1-0.1-0.-");
  assert.deepEqual(told, ["0 start", "1 start"]);
  service.heads[1] = 0;
  service.send(1, { progress: 20 });
  for (const place of [0, 1, 2]) service.send(place, { type: "end", status: "completed" });
  await done;
});

test("one that is deleted, and one that begins anew, stop none of the others", async () => {
  const done = watch();
  await settle();
  service.send(0, { type: "start" });
  service.send(0, { progress: 70 });
  service.write({ type: "status", code: "deleted", sessionId: IDS[1], timestamp: 1 }, "1-1.x.-");
  service.write({ type: "status", reset: true, sessionId: IDS[0], timestamp: 1 });
  service.heads[0] = -1;
  service.send(0, { type: "start" });
  service.send(0, { progress: 5 });
  service.send(2, { type: "end", status: "cancelled" });
  service.send(0, { type: "end", status: "failed" });
  const states = await done;
  assert.deepEqual(states.map(({ status, progress }) => [status, progress]), [["failed", 5], [undefined, 0], ["cancelled", 0]]);
  assert.ok(told.includes("1 deleted"));
});

test("an EventSource has a ticket for all of them, and another when it has given up", async () => {
  const sources = [];
  class Source {
    constructor(url) {
      this.url = url;
      sources.push(this);
    }

    close() {}
  }
  const fetch = async (url, init) => {
    await service.fetch(url, init);
    return Response.json({ ticket: `ticket-${service.requests.length}` }, { status: 201 });
  };
  watch({ transport: "eventsource", EventSource: Source, getToken: () => "token", fetch }).catch(() => {});
  await settle();
  assert.deepEqual(JSON.parse(service.requests[0].body), { ids: IDS });
  assert.equal(service.requests[0].url, "http://service.test/api/stream-tickets");
  assert.equal(sources[0].url, `http://service.test/api/stream?ids=${IDS}&ticket=ticket-1`);
  sources[0].onopen();
  sources[0].onmessage({ data: JSON.stringify({ type: "start", index: 0, sessionId: IDS[1] }), lastEventId: "-.1-0.-" });
  sources[0].readyState = 2;
  sources[0].onerror();
  await pass(3);
  assert.equal(sources[1].url, `http://service.test/api/stream?ids=${IDS}&ticket=ticket-2&lastEventId=-.1-0.-`);
});
