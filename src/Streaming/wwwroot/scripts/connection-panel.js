// How the page hears from the server, what became of each lost connection, and the proof that
// nothing was missed.

import { el, setText } from "./dom.js";
import { clockTime } from "./time.js";

const LINES_MAX = 20;
const EXPLANATIONS = {
  connecting: "The connection is being opened.",
  live: "Messages arrive as they are written.",
  reconnecting: "The connection is down; it comes back by itself and goes on where it was.",
  shared: "Another tab has the connection, and passes every message on.",
  polling: "No stream gets through; the state is read again and again instead.",
  ended: "The generation has ended; there is nothing more to hear.",
};

export function connectionPanel(cut) {
  const pill = el("span", {
    class: "pill", "data-testid": "connection", "data-state": "connecting", role: "status", text: "connecting",
  });
  const explanation = el("p", { class: "quiet" });
  const integrity = el("p", {
    class: "integrity", "data-testid": "integrity", "data-ok": "true", text: "nothing missed",
  });
  const checked = el("span", { class: "quiet" });
  const lines = el("ol", { class: "cut-log", "data-testid": "cut-log", "aria-label": "Connection log" });
  const element = el("section", { class: "panel connection", "aria-label": "Connection" },
    el("div", { class: "integrity-row" }, integrity, checked), explanation, cut, lines);

  return {
    pill,
    element,
    showState(state) {
      pill.dataset.state = state;
      setText(pill, state);
      setText(explanation, EXPLANATIONS[state]);
    },
    /** A warning stays: that it was read again does not undo that it happened. */
    showIntegrity({ checked: count, faults, fault }) {
      setText(checked, `${count.toLocaleString()} checked`);
      integrity.dataset.ok = String(faults === 0);
      if (fault) setText(integrity, `${fault}; the state was read again`);
    },
    log(line) {
      lines.prepend(el("li", {}, el("time", { text: clockTime(Date.now()) }), el("span", { text: line })));
      if (lines.children.length > LINES_MAX) lines.lastChild.remove();
    },
  };
}
