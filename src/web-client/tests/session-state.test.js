import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionState } from "../lib/session-state.js";
import { envelope, FakeService, history } from "./fake-service.js";

function after(messages) {
  const state = new SessionState();
  for (const message of messages) state.apply(message);
  return state;
}

/** What a person sees of it, without what only a state or only messages can know. */
function seen({ status, progress, stages, texts, ideas, components, artifacts, isEnded }) {
  return {
    status, progress, ideas, components, artifacts, isEnded,
    stages: stages.map(({ name, status: of }) => `${name} ${of}`),
    texts: [...texts].filter(([, text]) => text),
  };
}

test("messages become text by stage, artifacts, progress and durations", () => {
  const state = after(history());
  assert.equal(state.texts.get("plan"), "A plan with ümlauts and 🌩 storms.");
  assert.equal(state.texts.get("ideas"), "One idea 0.One idea 1.One idea 2.");
  assert.deepEqual(state.ideas.map(({ title }) => title), ["Idea 0", "Idea 1", "Idea 2"]);
  assert.deepEqual(state.stages.map(({ name, status, durationMs }) => [name, status, durationMs]), [["plan", "completed", 400], ["ideas", "completed", 900]]);
  assert.equal(state.status, "completed");
  assert.equal(state.progress, 100);
  assert.equal(state.elapsedMs, (history().length - 1) * 100);
});

test("a restart drops the unfinished text of its stage, and no other", () => {
  const messages = history();
  const restart = messages.findIndex(({ type }) => type === "info");
  assert.equal(after(messages.slice(0, restart)).texts.get("ideas"), "Half of ");
  const state = after(messages.slice(0, restart + 1));
  assert.equal(state.texts.get("ideas"), undefined);
  assert.equal(state.texts.get("plan"), "A plan with ümlauts and 🌩 storms.");
  state.apply(envelope(90, "info", { code: "restarted", message: "No stage was open." }));
  assert.equal(state.texts.get("plan"), "A plan with ümlauts and 🌩 storms.");
});

test("progress never goes backwards, and a warning goes when work goes on", () => {
  const state = after(history().slice(0, 8));
  assert.equal(state.progress, 30);
  state.apply(envelope(90, "warning", { message: "Again." }));
  assert.equal(state.warning?.message, "Again.");
  state.apply(envelope(91, "progress", { stage: "ideas", progress: 12, label: "Slow" }));
  assert.equal(state.progress, 30);
  assert.equal(state.warning, undefined);
  assert.equal(state.statusText, "Slow");
});

test("a state read anywhere, and the messages after it, are the same as all messages", () => {
  const messages = history();
  for (let at = 2; at < messages.length; at++) {
    const service = new FakeService();
    service.messages = messages.slice(0, at);
    const state = new SessionState();
    state.read(service.state(), false);
    for (const message of messages.slice(at)) state.apply(message);
    assert.deepEqual(seen(state), seen(after(messages)), `read at ${at}`);
  }
});

test("news that are polled anywhere, from anywhere, are the same as the messages", () => {
  const messages = history();
  for (let from = 2; from < messages.length; from++) {
    for (let to = from; to < messages.length; to++) {
      const service = new FakeService();
      service.messages = messages.slice(0, to);
      const state = after(messages.slice(0, from));
      state.read(service.state(`1-${from - 1}`), true);
      assert.deepEqual(seen(state), seen(after(messages.slice(0, to))), `${from} to ${to}`);
    }
  }
});

test("components of an outline are set by name, and its lists grow", () => {
  const component = (index, position, name, value) => envelope(index, "artifact", { artifactType: "component", position, data: { name, value } });
  const state = after([component(1, 0, "title", "Storm jars"), component(2, 10, "characters", { name: "Ann" }), component(3, 11, "characters", { name: "Bo" })]);
  assert.deepEqual(state.components, { title: "Storm jars", characters: [{ name: "Ann" }, { name: "Bo" }] });
});

test("messages from the future change nothing that they do not know", () => {
  const messages = history();
  const future = messages.flatMap((message, at) => [
    { ...message, futureField: { deep: [1] }, start: "x" },
    envelope(at, "hologram", { stage: "plan", text: "light", status: "sublimated", progress: 99, chunks: null }),
    envelope(at, "constructor", {}), envelope(at, "__proto__", { text: 1 }),
  ]);
  assert.deepEqual(seen(after(future)), seen(after(messages)));
});

test("a state from the future is read as far as it is known", () => {
  const service = new FakeService();
  service.messages = history().slice(0, 14);
  const now = service.state();
  const then = structuredClone(now);
  Object.assign(then, { hologram: [1], mood: null });
  Object.assign(then.streamingData, { colour: "blue" });
  const [a, b] = [new SessionState(), new SessionState()];
  a.read(now, false);
  b.read(then, false);
  assert.deepEqual(seen(a), seen(b));
});

test("a relay may send fields of another kind in messages of a known type", () => {
  const odd = [null, 7, "text", [], {}, true];
  for (const type of ["start", "status", "progress", "chunk", "artifact", "preview", "stage_complete", "result", "error", "warning", "info", "cache"]) {
    for (const value of odd) {
      const state = after(history().slice(0, 5));
      state.apply(envelope(5, type, { stages: value, stage: value, status: value, text: value, data: value, progress: value, label: value, ideas: value, components: value }));
      assert.equal(state.isEnded, false, `${type} ${JSON.stringify(value)}`);
      assert.ok(state.progress >= 0 && state.progress <= 100);
      assert.ok(state.snapshot());
    }
  }
});

test("only `end` ends, whatever status another message says", () => {
  const state = after([...history().slice(0, 5), envelope(5, "status", { status: "completed" })]);
  assert.equal(state.isEnded, false);
  state.apply(envelope(6, "end", { status: "failed" }));
  assert.equal(state.status, "failed");
});

test("a snapshot stays as it is", () => {
  const state = after(history().slice(0, 14));
  const before = state.snapshot();
  const text = JSON.stringify([...before.texts]);
  for (const message of history().slice(14)) state.apply(message);
  assert.equal(before.ideas.length, 0);
  assert.equal(before.status, "streaming");
  assert.equal(JSON.stringify([...before.texts]), text);
  assert.notDeepEqual(seen(before), seen(state));
});

test("elapsed time goes by the server's clock, however the client's is set", (t) => {
  const startedAt = 1_795_262_127_000;
  t.mock.timers.enable({ apis: ["Date"], now: startedAt + 3_600_000 }); // an hour fast
  const state = after([envelope(0, "start", { kind: "ideation", transformId: "t-1", stages: [] })]);
  t.mock.timers.tick(2_000);
  state.apply({ type: "heartbeat", timestamp: startedAt + 1_900 });
  assert.equal(state.elapsedMs, 2_000);
  t.mock.timers.tick(1_000);
  assert.equal(state.elapsedMs, 3_000);
});
