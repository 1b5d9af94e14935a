// The last hour, as charts.

import { el, setText } from "./dom.js";
import { bytes, count, milliseconds, percent, seconds } from "./dashboard-units.js";
import { lineChart } from "./line-chart.js";

const HOUR_MS = 3_600_000;

const CHARTS = [
  { id: "work", title: "Under way", unit: "number", format: count, whole: true, series: [["active_streams", "streams"], ["active_uploads", "uploads"], ["queued", "waiting"]] },
  { id: "delivery", title: "Delivery", unit: "milliseconds", format: milliseconds, series: [["delivery_p99_ms", "99th percentile"], ["delivery_p50_ms", "median"]] },
  { id: "connections", title: "Connections", unit: "number", format: count, whole: true, series: [["open_streams", "open"], ["slow_readers", "slow readers"]] },
  { id: "queue", title: "Queue utilisation", unit: "share of the places", format: percent, max: 1, series: [["queue_utilization", "fullest queue"]] },
  { id: "duration", title: "Stream duration", unit: "hourly average", format: seconds, series: [["average_stream_duration", "average"]] },
  { id: "memory", title: "Memory", unit: "bytes, all instances", format: bytes, series: [["working_set_bytes", "process"], ["heap_bytes", "heap"]] },
];

export function historyCharts() {
  const charts = CHARTS.map(lineChart);
  const note = el("p", { class: "quiet", "data-testid": "history-note" });
  const element = el("section", { "aria-label": "Last hour" },
    el("div", { class: "section-head" }, el("h2", { text: "Last hour" }), note),
    el("div", { class: "charts" }, ...charts.map((chart) => chart.element)));
  const points = new Map();
  let intervalMs = 30_000;
  let live;

  function add(history, isReset) {
    if (isReset) points.clear();
    intervalMs = 1000 * history.interval_seconds;
    for (const point of history.points) points.set(point.at, prepared(point));
    setText(note, `One point every ${history.interval_seconds} s. Where a line is broken, nothing was written: the service or its database was down.`);
    draw();
  }

  /** The present figures are the end of each line, until there is a point for them. */
  function updateNow(now) {
    const own = now.instances.length === 0 ? {
      slow_readers: now.instance.slow_readers, delivery_p50_ms: now.instance.delivery.p50_ms, delivery_p99_ms: now.instance.delivery.p99_ms,
      working_set_bytes: now.memory.working_set_bytes, heap_bytes: now.memory.heap_bytes,
    } : {};
    live = prepared({ ...now, ...own });
    draw();
  }

  function draw() {
    const to = Math.max(live?.time ?? 0, ...[...points.values()].slice(-1).map((point) => point.time));
    if (to === 0) return;
    for (const [at, { time }] of points) if (time < to - HOUR_MS - intervalMs) points.delete(at);
    const all = [...points.values()];
    if (live && live.active_streams !== null && live.time > (all.at(-1)?.time ?? 0)) all.push(live);
    for (const chart of charts) chart.draw(all, { from: to - HOUR_MS, to, intervalMs });
  }

  return { element, add, updateNow };
}

function prepared(point) {
  return { ...point, time: new Date(point.at).getTime() };
}
