import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, pause, retryAfterMs } from "../lib/backoff.js";

test("the jitter is full, and its ceiling doubles up to 30 s", (t) => {
  let drawn = 1;
  t.mock.method(Math, "random", () => drawn);
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 20].map((failures) => backoffMs(failures));
  assert.deepEqual(ceilings, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  drawn = 0;
  assert.equal(backoffMs(5), 0);
});

test("what the server has asked for is the least, and there is jitter on top of it", (t) => {
  let drawn = 0;
  t.mock.method(Math, "random", () => drawn);
  assert.equal(backoffMs(1, 2_500), 2_500);
  drawn = 0.5;
  assert.equal(backoffMs(2, 2_500), 3_500);
});

test("those who were cut together come back apart", () => {
  const waits = Array.from({ length: 1_000 }, () => backoffMs(4, 1_000));
  const perSecond = Array.from({ length: 8 }, (_, second) => waits.filter((ms) => Math.floor(ms / 1_000) === second + 1).length);
  for (const count of perSecond) assert.ok(count > 60 && count < 200, perSecond.join(" "));
});

test("Retry-After is seconds or a date", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-01-01T00:00:00Z") });
  assert.equal(retryAfterMs("7"), 7_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2026 00:01:00 GMT"), 60_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2025 00:01:00 GMT"), 0);
  assert.equal(retryAfterMs("soon"), undefined);
  assert.equal(retryAfterMs(null), undefined);
});

test("a pause ends with its signal, and leaves no timer", async () => {
  const abort = new AbortController();
  const done = pause(60_000, abort.signal);
  abort.abort();
  await done;
  await pause(60_000, abort.signal);
  assert.ok(!process.getActiveResourcesInfo().includes("Timeout"));
});
