// How far the generation is: the bar and the figure, the stages, the time, and what it says itself.

import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";
import { duration, timeLeft } from "./time.js";

const TICK_MS = 500;
const RAISED_MS = 15_000;
const WORDS = {
  queued: "Waiting for a free worker",
  streaming: "Writing",
  paused: "Paused",
  completed: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
};

export function progressPanel(pill, actions) {
  const fill = el("div", { class: "progress-fill" });
  const bar = el("div", {
    class: "progress", "data-testid": "progress", role: "progressbar", "aria-label": "Progress",
    "aria-valuemin": "0", "aria-valuemax": "100",
  }, fill);
  const percent = el("span", { class: "progress-percent", "data-testid": "progress-text" });
  const label = el("span", { class: "progress-label" });
  const elapsed = el("span", { class: "progress-elapsed", title: "Time since the generation began" });
  const left = el("span", { "data-testid": "time-left" });
  const trust = el("span", { class: "time-trust", "data-testid": "time-trust" });
  const because = el("p", { class: "time-because", "data-testid": "time-raised", hidden: true });
  const why = el("p", { class: "quiet", "data-testid": "time-why" });
  const time = el("details", { class: "time", "data-testid": "time", hidden: true }, el("summary", {}, left, trust), why);
  const warning = el("p", { class: "warning", "data-testid": "warning", role: "status", hidden: true });
  const stages = el("ol", { class: "stages" });

  const strip = el("section", { class: "panel strip", "aria-label": "Progress" },
    el("div", { class: "strip-row" }, percent, elapsed, pill),
    bar,
    label,
    warning,
    time,
    because,
    actions);
  const details = el("section", { class: "panel details", "aria-label": "Stages" }, stages);

  let shown;
  let raised; // the last time that the time left rose, and why
  const timer = setInterval(showElapsed, TICK_MS);

  function update(model) {
    shown = model;
    const value = Math.floor(model.progress);
    // How far a generation came that had stopped short before the page was opened is not known.
    const known = isLive(model.status) || value > 0;
    if (known) bar.setAttribute("aria-valuenow", value);
    else bar.removeAttribute("aria-valuenow");
    bar.dataset.status = model.status;
    fill.style.setProperty("--done", model.progress / 100);
    setText(percent, known ? `${value}%` : "–");
    setText(label, isLive(model.status) && model.statusText ? model.statusText : WORDS[model.status] ?? model.status);
    setText(warning, model.warning?.message ?? "");
    // One takes the other's place, so that a passing warning moves nothing.
    warning.hidden = !model.warning;
    label.hidden = !warning.hidden;
    showStages(model);
    details.hidden = model.stages.length === 0;
    actions.hidden = !isLive(model.status);
    showElapsed();
  }

  function showStages({ stages: known, status }) {
    if (stages.children.length !== known.length) {
      stages.replaceChildren(...known.map(() => el("li", {}, el("span"), el("span", { class: "stage-weight" }))));
    }
    const sum = known.reduce((total, { weight }) => total + (weight ?? 0), 0);
    known.forEach((stage, at) => {
      const item = stages.children[at];
      item.dataset.status = stage.status === "failed" ? status : stage.status ?? "pending";
      setText(item.firstChild, stage.label ?? stage.name);
      // The share of an only stage would read as "done".
      setText(item.lastChild, sum > 0 && known.length > 1 ? `${Math.round((stage.weight / sum) * 100)}%` : "");
      if (stage.status === "running") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  function showElapsed() {
    if (!shown) return;
    setText(elapsed, duration(shown.elapsedMs ?? 0));
    showTimeLeft();
  }

  function showTimeLeft() {
    // Before the first estimate there is none; a relay never has one.
    const known = shown.status === "streaming" && shown.estimate ? timeLeft(shown.estimate, shown.serverNow) : undefined;
    time.hidden = !known;
    setText(left, known?.text ?? "");
    setText(trust, known?.trust ?? "");
    setText(why, known?.why ?? "");
    // That it rose is told for a while: it is over sooner than it can be read.
    if (known?.because) raised = { text: known.because, until: Date.now() + RAISED_MS };
    because.hidden = !known || !(raised?.until > Date.now());
    setText(because, raised?.text ?? "");
  }

  return { strip, details, update, stop: () => clearInterval(timer) };
}
