// What is so now, one tile a figure. A tile that asks for attention says so in words, not in colour alone.

import { el, setText } from "./dom.js";
import { bytes, count, milliseconds, percent, seconds, UNKNOWN } from "./dashboard-units.js";

const QUEUE_FULL = 0.9;
const DELIVERY_SLOW_MS = 1_000;
const PAUSE_LONG = 0.1;

/** Each gives its value, what is said below it, and, if there is something to look at, a word for that. */
const FIGURES = [
  ["active-streams", "Streams", (now) => ({ value: count(now.active_streams), note: `being written · ${count(now.queued)} waiting` })],
  ["active-uploads", "Uploads", (now) => ({ value: count(now.active_uploads), note: `at work · ${now.instance.held.uploads_receiving} being received` })],
  ["connections", "Connections", (now) => ({
    value: count(now.open_streams),
    note: now.websocket_connections === null ? "event streams and waiting reads" : `${count(now.websocket_connections)} of them WebSockets`,
  })],
  ["queue-utilization", "Queue utilisation", (now) => ({
    value: percent(now.queue_utilization),
    note: now.instance.queues.map(({ name, running, places }) => `${name} ${running} of ${places}`).join(" · ") || "no worker here",
    alarm: now.queue_utilization >= QUEUE_FULL && "full",
  })],
  ["stream-duration", "Stream duration", (now) => ({ value: seconds(now.average_stream_duration), note: "average of the last hour" })],
  ["sub12s", "Within 12 s", (now) => ({
    value: percent(now.sub12s_success_rate),
    note: now.sub12s_success_rate === null ? "no analysis in the last hour" : "of the analyses of the last hour",
    alarm: now.sub12s_success_rate !== null && now.sub12s_success_rate < 0.8 && "slow",
  })],
  ["delivery", "Delivery, p99", (now) => ({
    value: milliseconds(now.instance.delivery.p99_ms),
    note: `half within ${milliseconds(now.instance.delivery.p50_ms)} · ${count(now.instance.messages_per_second)} messages/s`,
    alarm: now.instance.delivery.p99_ms > DELIVERY_SLOW_MS && "slow",
  })],
  ["slow-readers", "Slow readers", (now) => ({
    value: count(now.instance.slow_readers), note: "fell behind within the last minute", alarm: now.instance.slow_readers > 0 && "look",
  })],
  ["memory", "Memory", (now) => ({
    value: bytes(now.memory.working_set_bytes),
    note: `heap ${bytes(now.memory.heap_bytes)} · ${percent(now.memory.load)} of the limit`,
    alarm: now.memory.level !== "normal" && now.memory.level,
  })],
  ["gc", "GC pauses", (now) => ({
    value: percent(now.instance.gc.pause_share),
    note: `collections ${now.instance.gc.collections.join(" / ")} · processor ${percent(now.instance.cpu_share)}`,
    alarm: now.instance.gc.pause_share > PAUSE_LONG && "long",
  })],
  ["database", "Database", (now) => {
    const database = dependency(now, "database");
    return {
      value: milliseconds(database?.latency_ms),
      note: now.database ? `${now.database.connections} of ${now.database.connections_max} connections` : "it does not answer",
      alarm: database?.status !== "up" && database?.status,
    };
  }],
  ["provider", "Model provider", (now) => {
    const provider = dependency(now, "provider");
    const { name, model, calls, faults_in_last_minute: faults } = now.instance.provider;
    return { value: provider?.status ?? UNKNOWN, note: `${name}, ${model} · ${count(calls.count)} calls, ${count(faults)} faults a minute`, alarm: provider?.status !== "up" && provider?.status };
  }],
];

function dependency(now, name) {
  return now.dependencies.find((one) => one.name === name);
}

export function figureTiles() {
  const tiles = FIGURES.map(([id, label, read]) => {
    const value = el("dd", { class: "tile-value", "data-testid": `figure-${id}` });
    const note = el("dd", { class: "tile-note" });
    const alarm = el("dd", { class: "tile-alarm", hidden: true });
    const element = el("div", { class: "panel tile" }, el("dt", { text: label }), value, note, alarm);
    return {
      element,
      update(now) {
        const figure = read(now);
        setText(value, figure.value);
        setText(note, figure.note);
        setText(alarm, figure.alarm || "");
        alarm.hidden = !figure.alarm;
        element.dataset.alarm = String(Boolean(figure.alarm));
      },
    };
  });
  const element = el("section", { "aria-label": "Now" }, el("dl", { class: "tiles" }, ...tiles.map((tile) => tile.element)));
  return { element, update: (now) => tiles.forEach((tile) => tile.update(now)) };
}
