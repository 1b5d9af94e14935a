import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { StreamProcessor } from "../index.js";
import { FakeService, history, settle, STREAM_URL } from "./fake-service.js";
import { randomOf } from "./random.js";

let service;
let closing;

beforeEach(() => {
  service = new FakeService();
  closing = new AbortController();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_795_262_127_000 });
});

afterEach(async () => {
  closing.abort();
  await words();
  mock.timers.reset();
  delete globalThis.window;
  Object.defineProperty(globalThis, "navigator", { value: undefined, configurable: true, writable: true });
});

/** Web Locks, as far as the client uses them. */
function giveLocks() {
  const queues = new Map();
  const next = (name) => {
    const [first] = queues.get(name) ?? [];
    if (!first || first.isHeld) return;
    first.isHeld = true;
    Promise.resolve(first.callback({ name })).then(() => {
      queues.set(name, queues.get(name).filter((other) => other !== first));
      first.resolve();
      next(name);
    });
  };
  const request = (name, { signal }, callback) => new Promise((resolve, reject) => {
    const entry = { callback, resolve, isHeld: false };
    queues.set(name, [...(queues.get(name) ?? []), entry]);
    signal?.addEventListener("abort", () => {
      if (entry.isHeld) return;
      queues.set(name, queues.get(name).filter((other) => other !== entry));
      reject(signal.reason);
    });
    queueMicrotask(() => next(name));
  });
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request }, onLine: true }, configurable: true, writable: true });
}

/** A broadcast takes real turns of the loop. */
async function words() {
  for (let turn = 0; turn < 5; turn++) {
    await settle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function watch(options = {}) {
  const abort = new AbortController();
  closing.signal.addEventListener("abort", () => abort.abort());
  const seen = { indexes: [], abort, processor: new StreamProcessor({ fetch: service.fetch, ...options }) };
  const onMessage = ({ index }) => index === undefined || seen.indexes.push(index);
  seen.done = seen.processor.processStream(STREAM_URL, { onMessage }, { signal: abort.signal });
  seen.done.then(() => { seen.isDone = true; }, () => {});
  return seen;
}

async function pass(seconds) {
  await words();
  for (let step = 0; step < seconds * 2; step++) {
    mock.timers.tick(500);
    await words();
  }
}

const all = history().map(({ index }) => index);

test("a second tab is told everything over the connection of the first", async () => {
  giveLocks();
  const first = watch();
  await words();
  service.commit(...history().slice(0, 6));
  await words();
  const second = watch();
  await words();
  // What there was already came over a connection of its own, which it has left.
  assert.equal(service.count("/stream/"), 2);
  assert.equal(second.processor.connection, "shared");
  assert.equal(first.processor.connection, "live");
  assert.equal(service.connections.length, 1);
  service.commit(...history().slice(6));
  await words();
  assert.deepEqual(first.indexes, all);
  assert.deepEqual(second.indexes, all);
  assert.equal(service.connections.length, 0);
});

test("tabs come and go at any moment, and each is told every message once and in order", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const random = randomOf(seed);
  for (let round = 0; round < 6; round++) {
    service = new FakeService();
    giveLocks();
    let tabs = [watch()];
    for (const message of history()) {
      service.commit(message);
      if (random.next() < 0.5) await words();
      if (random.next() < 0.3) tabs.push(watch());
      if (random.next() < 0.2 && tabs.length > 1) tabs.shift().abort.abort();
      if (random.next() < 0.1) service.cut();
    }
    await pass(40);
    for (const tab of tabs) assert.deepEqual(tab.indexes, all, `seed ${seed}, round ${round}`);
    assert.equal(service.connections.length, 0);
  }
});

test("a tab whose leader says nothing goes on alone", async () => {
  giveLocks();
  navigator.locks.request(`streaming ${STREAM_URL} all`, {}, () => new Promise(() => {})); // a frozen tab
  await words();
  const seen = watch();
  service.commit(...history());
  await pass(4);
  assert.deepEqual(seen.indexes, all);
});

test("tabs with tokens share only under a name", async () => {
  giveLocks();
  const getToken = () => "t";
  const tabs = [watch({ getToken }), watch({ getToken }), watch({ getToken, share: "ada" }), watch({ getToken, share: "ada" }), watch({ getToken, share: "eve" })];
  await words();
  service.commit(...history().slice(0, 5));
  await pass(2);
  service.commit(...history().slice(5, 8));
  await pass(2);
  assert.equal(service.connections.length, 4);
  service.commit(...history().slice(8));
  await pass(2);
  for (const tab of tabs) assert.deepEqual(tab.indexes, all);
});

/** A window that is told what a browser would tell it. */
function givePage() {
  const page = globalThis.window = new EventTarget();
  page.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  return page;
}

test("online again: it does not wait", async () => {
  const page = givePage();
  const seen = watch();
  service.commit(...history().slice(0, 5));
  await settle();
  service.cut();
  await settle();
  assert.equal(seen.processor.connection, "reconnecting");
  page.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(seen.processor.connection, "live");
  service.commit(...history().slice(5));
  await settle();
  assert.deepEqual(seen.indexes, all);
});

test("visible again after a sleep in which no timer ran: the dead connection is left at once", async () => {
  const page = givePage();
  watch();
  await settle();
  mock.timers.setTime(Date.now() + 600_000); // a sleep
  page.document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(service.count("/stream/"), 2);
});

test("visible again with a connection that lives: nothing happens", async () => {
  const page = givePage();
  watch();
  await settle();
  page.document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(service.count("/stream/"), 1);
});

test("into the back/forward cache without a connection, and out of it from the cursor", async () => {
  const page = givePage();
  const seen = watch();
  service.commit(...history().slice(0, 5));
  await settle();
  page.dispatchEvent(new Event("pagehide"));
  await pass(30);
  assert.equal(service.connections.length, 0);
  assert.equal(service.requests.length, 1);
  page.dispatchEvent(new Event("pageshow"));
  await settle();
  assert.equal(service.requests[1].headers.get("Last-Event-ID"), "1-4");
  service.commit(...history().slice(5));
  await settle();
  assert.deepEqual(seen.indexes, all);
});
