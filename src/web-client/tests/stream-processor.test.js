import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { StreamProcessor } from "../index.js";
import { envelope, FakeService, history, problem, settle, STREAM_URL } from "./fake-service.js";
import { randomOf } from "./random.js";

let service;
let watched;

beforeEach(() => {
  service = new FakeService();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_795_262_127_000 });
});

afterEach(async () => {
  watched?.abort.abort();
  await settle();
  mock.timers.reset();
  watched = undefined;
});

/** Watches the service, and writes down what it is told. */
function watch(options = {}, source = STREAM_URL, init = {}) {
  const seen = { messages: [], names: [], connections: [], abort: new AbortController(), settled: false };
  const callbacks = {
    onMessage: (message) => seen.messages.push(message),
    onConnection: (connection) => seen.connections.push(connection),
  };
  for (const name of ["Start", "Status", "Progress", "Chunk", "Artifact", "Preview", "StageComplete", "Complete", "Error", "Warning", "Info", "Cache", "End", "Heartbeat"]) {
    callbacks[`on${name}`] = (message) => seen.names.push([name, message.index ?? message.code]);
  }
  const processor = new StreamProcessor({ fetch: service.fetch, ...options });
  seen.processor = processor;
  seen.done = processor.processStream(source, callbacks, { signal: seen.abort.signal, ...init });
  seen.done.then(() => { seen.settled = true; }, (fault) => { seen.settled = true; seen.fault = fault; });
  return (watched = seen);
}

/** Time goes by, in steps in which everything can happen that is to happen. */
async function pass(seconds) {
  await settle();
  for (let step = 0; step < seconds * 4; step++) {
    mock.timers.tick(250);
    await settle();
  }
}

async function passUntil(condition, what, secondsMax = 120) {
  await settle();
  for (let step = 0; step < secondsMax * 4 && !condition(); step++) {
    mock.timers.tick(250);
    await settle();
  }
  assert.ok(condition(), what);
}

const indexesOf = (messages) => messages.filter(({ index }) => index !== undefined).map(({ index }) => index);

function assertEveryMessageOnce(seen, messages = history()) {
  assert.deepEqual(indexesOf(seen.messages), messages.map(({ index }) => index));
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
  assert.equal(seen.processor.state.ideas.length, 3);
}

test("callbacks are called by type, and complete and end once each, in this order", async () => {
  service.commit(...history());
  const seen = watch();
  const state = await seen.done;
  assert.equal(state.status, "completed");
  assertEveryMessageOnce(seen);
  assert.deepEqual(seen.names.map(([name]) => name).slice(0, 3), ["Start", "Status", "Progress"]);
  assert.deepEqual(seen.names.slice(-2).map(([name]) => name), ["Complete", "End"]);
  for (const name of ["Start", "Complete", "End", "Info", "Warning"]) assert.equal(seen.names.filter(([other]) => other === name).length, 1);
  assert.equal(service.requests.length, 1);
  assert.deepEqual(seen.connections, ["connecting", "live", "ended"]);
});

test("a callback that throws costs nobody the stream", async () => {
  const faults = [];
  globalThis.reportError = (fault) => faults.push(fault.message);
  service.commit(...history());
  const processor = new StreamProcessor({ fetch: service.fetch });
  const state = await processor.processStream(STREAM_URL, { onChunk() { throw new Error("of the page"); } });
  delete globalThis.reportError;
  assert.equal(state.status, "completed");
  assert.equal(faults.length, history().filter(({ type }) => type === "chunk").length);
});

test("a failed generation is told with error and end, and never as complete, also when its messages are gone", async () => {
  for (const messages of [
    [history()[0], envelope(1, "error", { code: "provider_refused", category: "invalid_input", message: "No.", recoverable: false }), envelope(2, "end", { status: "failed" })],
    [envelope(7, "result", { first: 0, ideas: [] }), envelope(8, "end", { status: "failed" })],
  ]) {
    service = new FakeService();
    service.messages = messages;
    const seen = watch();
    const state = await seen.done;
    assert.equal(state.status, "failed");
    assert.equal(seen.names.at(-1)[0], "End");
    assert.ok(!seen.names.some(([name]) => name === "Complete"));
  }
});

test("wherever the bytes are cut, every message comes once and in order", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const random = randomOf(seed);
  for (let round = 0; round < 25; round++) {
    service = new FakeService();
    let left = 1 + random.below(700);
    service.between = (connection, bytes) => {
      if (connection.isCut) return undefined;
      if (bytes.length < left) {
        left -= bytes.length;
        return bytes;
      }
      const part = bytes.slice(0, left);
      left = 1 + random.below(700);
      connection.isCut = true;
      queueMicrotask(() => connection.fail(new TypeError("cut")));
      return part;
    };
    const seen = watch({ failuresMax: Infinity });
    for (const message of history()) {
      service.commit(message);
      if (random.next() < 0.3) await settle();
    }
    await passUntil(() => seen.settled, `seed ${seed}, round ${round}: ended`, 600);
    assertEveryMessageOnce(seen);
    assert.equal(seen.fault, undefined);
  }
});

test("from the state: what there is comes as a state, and messages are those after it", async () => {
  service.commit(...history().slice(0, 14));
  const seen = watch({ from: "state" });
  await settle();
  assert.deepEqual(indexesOf(seen.messages), []);
  assert.equal(seen.processor.state.session.userInput, "storms");
  service.commit(...history().slice(14));
  await seen.done;
  assert.deepEqual(indexesOf(seen.messages), indexesOf(history().slice(14)));
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
});

test("from the state of one that has ended: no stream is opened", async () => {
  service.commit(...history());
  const seen = watch({ from: "state" });
  const state = await seen.done;
  assert.equal(state.ideas.length, 3);
  assert.equal(service.count("/stream/"), 0);
  assert.deepEqual(seen.names.map(([name]) => name).slice(-2), ["Complete", "End"]);
});

test("a cursor at the end is answered 204, and the state says how it ended", async () => {
  service.commit(...history());
  const seen = watch({ lastEventId: service.lastEventId });
  const state = await seen.done;
  assert.equal(state.status, "completed");
  assert.equal(service.requests.length, 2);
});

test("a frame that got lost is read again from the cursor, and nothing is told twice", async () => {
  let dropped = false;
  service.between = (connection, bytes, text) => {
    if (dropped || !text.includes('"index":5,')) return bytes;
    dropped = true;
    return undefined;
  };
  const seen = watch();
  service.commit(...history());
  await passUntil(() => seen.settled, "ended");
  assertEveryMessageOnce(seen);
  assert.equal(service.requests[1].headers.get("Last-Event-ID"), "1-4");
});

test("where a frame is lost each time, the state is read, and polling leads to the end", async () => {
  service.between = (connection, bytes, text) => (text.includes('"index":5,') ? undefined : bytes);
  const seen = watch();
  service.commit(...history());
  await passUntil(() => seen.settled, "ended");
  assert.equal(seen.processor.state.status, "completed");
  assert.equal(seen.processor.state.ideas.length, 3);
  assert.ok(seen.connections.includes("polling"));
});

test("repeats are dropped, merged frames count for all they hold", async () => {
  const messages = history();
  const [a, b, c, d] = messages.slice(3, 7);
  const merged = { ...d, first: a.index, text: a.text + b.text + c.text + d.text };
  const source = [...messages.slice(0, 3), messages[1], messages[2], merged, d, ...messages.slice(7)]
    .map((message) => `data: ${JSON.stringify(message)}\nid: 1-${message.index}\n\n`).join("");
  const seen = watch({}, new Response(source, { headers: { "Content-Type": "text/event-stream" } }).body);
  await seen.done;
  assert.deepEqual(indexesOf(seen.messages), [0, 1, 2, ...indexesOf(messages.slice(6))]);
  assert.equal(seen.processor.state.texts.get("plan"), "A plan with ümlauts and 🌩 storms.");
});

test("reset: everything is forgotten, and comes anew", async () => {
  service.commit(...history().slice(0, 14));
  const seen = watch();
  await settle();
  const ordinal2 = history();
  service.messages = ordinal2.slice(0, 5); // another run
  service.cut();
  await pass(5);
  assert.equal(seen.processor.state.texts.get("plan"), "A plan ");
  service.commit(...ordinal2.slice(5));
  await seen.done;
  assert.deepEqual(indexesOf(seen.messages).slice(14), indexesOf(history()));
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
});

test("reconnect: it comes back after `retry`, and it is no failure", async () => {
  const seen = watch({ failuresMax: 1 });
  service.commit(...history().slice(0, 5));
  await settle();
  for (let time = 0; time < 3; time++) {
    service.connections[0].send('data: {"type":"status","reconnect":true}\n\n');
    service.cut();
    await pass(0.75);
    assert.equal(service.connections.length, 0);
    await pass(0.5);
    assert.equal(service.connections.length, 1);
  }
  service.commit(...history().slice(5));
  await seen.done;
  assertEveryMessageOnce(seen);
  assert.ok(!seen.connections.includes("polling"));
});

test("25 s of silence are a dead connection, and heartbeats are no silence", async () => {
  const seen = watch();
  service.commit(...history().slice(0, 5));
  for (let beat = 0; beat < 6; beat++) {
    await pass(10);
    service.heartbeat();
  }
  await settle();
  assert.equal(service.count("/stream/"), 1);
  assert.equal(seen.names.filter(([name]) => name === "Heartbeat").length, 6);
  await pass(24.5);
  assert.equal(service.count("/stream/"), 1);
  assert.equal(seen.processor.connection, "live");
  await passUntil(() => seen.processor.connection === "reconnecting", "noticed", 2);
  await pass(3);
  assert.equal(service.count("/stream/"), 2);
  service.commit(...history().slice(5));
  await seen.done;
  assertEveryMessageOnce(seen);
});

test("headers that do not come in 10 s are waited for no longer: it polls", async () => {
  service.answer("/stream/", (request, { signal }) => new Promise((_, reject) => { signal.addEventListener("abort", () => reject(signal.reason)); }));
  const seen = watch();
  service.commit(...history().slice(0, 5));
  await pass(9.5);
  assert.notEqual(seen.processor.connection, "polling");
  await passUntil(() => seen.processor.connection === "polling", "polls", 2);
  service.commit(...history().slice(5));
  await passUntil(() => seen.settled, "ended", 10);
  assert.equal(service.count("/stream/"), 1);
  assert.equal(seen.processor.state.status, "completed");
});

test("a token that somebody is asked for is waited for, however long that takes", async () => {
  const refusals = [];
  service.token = "new";
  service.commit(...history());
  let give;
  const seen = watch({ getToken: (renew, refusal) => {
    if (!renew) return "old";
    refusals.push(refusal.code);
    return new Promise((resolve) => { give = resolve; });
  } });
  await pass(120);
  assert.equal(service.requests.length, 1);
  give("new");
  await seen.done;
  assert.deepEqual(refusals, ["invalid_token"]);
  assertEveryMessageOnce(seen);
});

test("a refusal that says Retry-After is not asked again before", async () => {
  service.answer("/stream/", () => problem(503, "database_unavailable", { "Retry-After": "7" }));
  const seen = watch();
  service.commit(...history());
  await pass(6.5);
  assert.equal(service.count("/stream/"), 1);
  await pass(2);
  assert.equal(service.count("/stream/"), 2);
  await seen.done;
  assertEveryMessageOnce(seen);
});

test("a refused token is renewed once, and a second refusal is final", async () => {
  const asked = [];
  service.token = "new";
  service.commit(...history());
  let seen = watch({ getToken: (renew) => { asked.push(renew); return renew ? "new" : "old"; } });
  await seen.done;
  assert.deepEqual(asked, [false, true]);

  seen = watch({ getToken: async () => "old" });
  await assert.rejects(seen.done, { name: "StreamProblem", code: "invalid_token", status: 401, recoverable: false });
  assert.deepEqual(seen.names, [["Error", "invalid_token"]]);
});

test("no such session is final", async () => {
  service.answer("/stream/", () => problem(404, "not_found"));
  const seen = watch();
  await assert.rejects(seen.done, { code: "not_found", status: 404 });
  assert.deepEqual(seen.names, [["Error", "not_found"]]);
  assert.equal(service.requests.length, 1);
});

test("a page in the place of the stream is not the stream", async () => {
  service.answer("/stream/", () => new Response("<h1>Sign in to the hotel</h1>", { headers: { "Content-Type": "text/html" } }));
  const seen = watch();
  service.commit(...history());
  await passUntil(() => seen.settled, "ended");
  assertEveryMessageOnce(seen);
});

test("a stream that is held back is noticed by the state, polled around, and left for the stream again when that is free", async () => {
  let isHeld = true;
  service.between = (connection, bytes) => (isHeld ? undefined : bytes);
  const seen = watch();
  service.commit(...history().slice(0, 8));
  await passUntil(() => seen.processor.connection === "polling", "polls", 8);
  await settle();
  assert.equal(seen.processor.state.texts.get("plan"), "A plan with ümlauts and 🌩 storms.");
  service.commit(...history().slice(8, 20));
  await pass(0.75); // a poll waits at the service, and is answered at once
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.");
  isHeld = false;
  await passUntil(() => seen.processor.connection === "live", "live", 45);
  service.commit(...history().slice(20));
  await settle();
  assert.ok(seen.settled);
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
  assert.deepEqual(indexesOf(seen.messages), indexesOf(history().slice(20)));
  const chunks = seen.names.filter(([name]) => name === "Chunk").map(([, index]) => index);
  assert.deepEqual(chunks, [...new Set(chunks)].sort((a, b) => a - b));
});

test("a stream that is held back for good is polled to its end", async () => {
  service.between = () => undefined;
  const seen = watch();
  const left = history();
  while (left.length) {
    service.commit(...left.splice(0, 2));
    await pass(3);
  }
  await passUntil(() => seen.settled, "ended", 30);
  assert.equal(seen.processor.state.ideas.length, 3);
  assert.deepEqual(seen.names.slice(-2).map(([name]) => name), ["Complete", "End"]);
});

test("polls that bring nothing are 304, wait at the service, and are few", async () => {
  service.between = () => undefined;
  service.commit(...history().slice(0, 8));
  const seen = watch({ probeMs: 600_000 });
  await passUntil(() => seen.processor.connection === "polling", "polls", 8);
  const before = service.count("ideations");
  await pass(100);
  assert.ok(service.count("ideations") - before <= 6, `${service.count("ideations") - before} in 100 s`);
});

test("connections that never last are given up for polling", async () => {
  service.between = (connection, bytes, text) => {
    if (!text.startsWith("retry")) setTimeout(() => connection.fail(new TypeError("cut")), 500);
    return bytes;
  };
  service.retryMs = 100;
  const seen = watch();
  const left = history();
  for (let second = 0; second < 60 && !seen.settled; second++) {
    service.commit(...left.splice(0, 1));
    await pass(2);
  }
  assert.ok(seen.connections.includes("polling"));
  assert.equal(seen.processor.state.status, "completed");
  assert.equal(seen.processor.state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
});

test("a service that is away for a minute is found again", async () => {
  const seen = watch();
  service.commit(...history().slice(0, 5));
  await settle();
  const away = () => { throw new TypeError("connection refused"); };
  service.answer("http", ...Array.from({ length: 200 }, () => away));
  service.cut();
  await pass(60);
  const tries = service.requests.length;
  assert.ok(tries < 30, `${tries} tries in a minute`);
  service.answers.clear();
  service.commit(...history().slice(5));
  await passUntil(() => seen.settled, "ended", 90);
  assertEveryMessageOnce(seen);
});

test("messages from the future are passed over, and their indexes count", async () => {
  const messages = history();
  const future = [...messages.slice(0, 5), { ...messages[0], type: "hologram", first: undefined }, { ...messages[0], type: "constructor" }, ...messages.slice(5)]
    .map((message, index) => ({ ...message, index, novelty: { index: "x" } }));
  service.commit(...future);
  const seen = watch();
  await seen.done;
  assertEveryMessageOnce(seen, future);
  assert.deepEqual(seen.messages.filter(({ type }) => type === "hologram").length, 1);
});

test("an abort rejects with its reason, and leaves neither timer nor connection", async () => {
  for (const seconds of [0, 0.5, 3]) {
    service = new FakeService();
    const seen = watch();
    service.commit(...history().slice(0, 5));
    await pass(seconds);
    if (seconds === 3) service.cut(); // now it waits
    await settle();
    seen.abort.abort(new Error("enough"));
    await assert.rejects(seen.done, { message: "enough" });
    const requests = service.requests.length;
    await pass(120);
    assert.equal(service.requests.length, requests);
    assert.equal(service.connections.length, 0);
    assert.equal(seen.processor.connection, "ended");
    assert.ok(!seen.names.some(([name]) => name === "Error"));
  }
});

test("no timer of its own is left after the end", async () => {
  mock.timers.reset();
  service.commit(...history());
  await watch().done;
  await settle();
  assert.ok(!process.getActiveResourcesInfo().includes("Timeout"));
});

test("a response is read, and its address goes on where it was cut", async () => {
  const begun = await service.fetch(STREAM_URL);
  Object.defineProperty(begun, "url", { value: STREAM_URL });
  const seen = watch({}, begun);
  service.commit(...history().slice(0, 6));
  await settle();
  service.cut();
  service.commit(...history().slice(6));
  await passUntil(() => seen.settled, "ended");
  assertEveryMessageOnce(seen);
});

test("a bare stream that is cut cannot go on, and says so", async () => {
  const seen = watch({}, new Response('data: {"type":"chunk","index":0,"text":"a"}\nid: 1-0\n\n').body);
  await assert.rejects(seen.done, { code: "cut" });
  assert.deepEqual(seen.names, [["Chunk", 0], ["Error", "cut"]]);
});
