// The page for those who run the service: what it is doing now, the last hour, the last runs.

import { readStatus } from "./api.js";
import { dependencyList } from "./dashboard-dependencies.js";
import { figureTiles } from "./dashboard-figures.js";
import { historyCharts } from "./dashboard-history.js";
import { runTable } from "./dashboard-runs.js";
import { StatusSource } from "./dashboard-source.js";
import { el, setText } from "./dom.js";
import { problemBanner } from "./problem-banner.js";
import { signInCard } from "./sign-in-card.js";
import { clockTime } from "./time.js";
import { currentToken, onTokenWanted } from "./token.js";
import { showUser } from "./user-badge.js";

const STATES = { live: "live", reconnecting: "connecting again" };

const main = document.getElementById("main");
const card = signInCard(() => {
  main.hidden = !card.element.hidden && currentToken() === undefined;
  showUser();
});
const banner = problemBanner();
const state = el("span", { class: "pill", "data-testid": "connection" });
const at = el("span", { "data-testid": "at" });
const instance = el("span", { class: "instance", "data-testid": "instance" });
const health = el("span", { class: "status", "data-testid": "health" });
const tiles = figureTiles();
const charts = historyCharts();
const dependencies = dependencyList();
const runs = runTable();
const body = el("div", { class: "dashboard", hidden: true },
  tiles.element, charts.element, dependencies.element, runs.element);

function show(now) {
  setText(health, now.status);
  health.dataset.health = now.status;
  const others = now.instances.length;
  setText(instance, `${now.instance.id} (${now.instance.role})${others ? ` and ${others} more` : ""}`);
  setText(at, clockTime(now.at));
  tiles.update(now);
  charts.updateNow(now);
  dependencies.update(now);
  runs.noticed(now);
}

const source = new StatusSource({
  onState(word) {
    state.dataset.state = word;
    setText(state, STATES[word]);
  },
  onFigures: show,
  onHistory: (history, isReset) => charts.add(history, isReset),
  onProblem: (problem) => banner.show(problem),
});

async function begin() {
  try {
    const { now, history, runs: page } = await readStatus("dashboard");
    charts.add(history, true);
    runs.begin(page);
    show(now);
    body.hidden = false;
    source.open(history.points.at(-1)?.at);
  } catch (problem) {
    banner.show(problem, problem.code === "admin_only" ? ["Your token has not the role for it."] : []);
    // The database may be away: it comes back.
    if (problem.status === 0 || problem.status >= 500) setTimeout(() => { banner.hide(); begin(); }, 3_000);
  }
}

main.append(
  el("div", { class: "dashboard-head" },
    el("h1", { text: "Dashboard" }),
    el("p", { class: "dashboard-meta" }, health, state, at, instance)),
  banner.element, body);
main.before(card.element);
onTokenWanted(card.show);
showUser();
begin();
