// What the service needs, and who else is at work.

import { el, setText } from "./dom.js";
import { bytes, count, milliseconds, percent } from "./dashboard-units.js";

const NAMES = {
  database: "Database", listener: "Notifications", worker: "Worker", replica: "Replica", provider: "Model provider", image_program: "Image program",
};

export function dependencyList() {
  const needs = el("ul", { class: "dependencies" });
  const others = el("ul", { class: "dependencies", "data-testid": "instances" });
  const ofOthers = el("div", { class: "panel needs", hidden: true }, el("h2", { text: "Other instances" }), others);
  const element = el("section", { class: "needs-row" },
    el("div", { class: "panel needs" }, el("h2", { text: "What it depends on" }), needs), ofOthers);

  function update(now) {
    fill(needs, now.dependencies.map(({ name, status, latency_ms: latency, detail }) => [name, status, NAMES[name] ?? name, [
      latency === null ? "" : milliseconds(latency), detail ?? "", name === "database" && now.database?.replication_lag_seconds ? `replication lag ${now.database.replication_lag_seconds.toFixed(1)} s` : "",
    ].filter(Boolean).join(" · ")]));
    ofOthers.hidden = now.instances.length === 0;
    fill(others, now.instances.map((one) => [one.instance, "up", one.instance,
      `${one.role} · ${count(one.open_streams)} connections · ${one.runs} of ${one.places} runs · ${bytes(one.working_set_bytes)} · processor ${percent(one.cpu_share)}`]));
  }

  return { element, update };
}

/** Items keep their elements, so that a reader's selection stays. */
function fill(list, items) {
  items.forEach(([id, status, name, detail], index) => {
    let item = list.children[index];
    if (!item) {
      item = el("li", {}, el("span", { class: "dependency-status" }), el("span", { class: "dependency-name" }), el("span", { class: "dependency-detail" }));
      list.append(item);
    }
    item.dataset.name = id;
    item.dataset.status = status;
    [status, name, detail].forEach((text, place) => setText(item.children[place], text));
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
}
