// Why a generation stopped short, what was kept, and what to do next.

import { downloadFile, sessionUrl } from "./api.js";
import { keepDraft } from "./input-draft.js";
import { el, setText } from "./dom.js";
import { helpFor } from "./failure-help.js";
import { duration } from "./time.js";

const TICK_MS = 500;

export function outcomePanel(onRetry) {
  const heading = el("h2");
  const happened = el("p", { class: "outcome-happened" });
  const message = el("p", { class: "quiet" });
  const code = el("code");
  const kept = el("p", { class: "outcome-kept" });
  const next = el("p", { class: "outcome-next" });
  const operator = el("p", { class: "quiet outcome-operator", "data-testid": "reference" });
  const note = el("p", { class: "field-error", role: "status" });
  const retry = el("button", { type: "button", class: "button-primary", "data-testid": "retry", text: "Retry", on: { click: send } });
  const change = el("a", { class: "button-link button-quiet", "data-testid": "change-input", href: "./#/", text: "Change the input", on: { click: keep } });
  const files = el("button", { type: "button", class: "button-quiet", "data-testid": "download-kept", text: "Download what is finished (zip)", on: { click: download } });
  const element = el("section", { class: "outcome", hidden: true },
    heading, happened, el("p", { class: "outcome-detail" }, message, code), kept, next, operator,
    el("div", { class: "actions" }, retry, change, files), note);
  const timer = setInterval(tick, TICK_MS);
  let shown;
  let isSending = false;

  async function send() {
    isSending = true;
    tick();
    await onRetry();
    isSending = false;
    tick();
  }

  function keep() {
    keepDraft(shown.session);
  }

  async function download() {
    setText(note, "");
    try {
      await downloadFile(`${sessionUrl(shown.kind, shown.id)}/artifacts.zip`, `${shown.kind}-finished.zip`);
    } catch (problem) {
      setText(note, problem.message);
    }
  }

  function update(model) {
    shown = model;
    const failed = model.status === "failed";
    element.hidden = !failed && model.status !== "cancelled";
    element.dataset.status = model.status;
    if (failed) {
      element.dataset.testid = "error";
      element.setAttribute("role", "alert");
    } else {
      delete element.dataset.testid;
      element.removeAttribute("role");
    }
    if (element.hidden) return;
    const { error } = model;
    const help = helpFor(model.status, error);
    element.dataset.category = failed ? error?.category ?? "" : "cancelled";
    setText(heading, help.heading);
    setText(happened, help.happened);
    setText(message, failed && error?.message !== help.happened ? error?.message ?? "" : "");
    setText(code, failed ? error?.code ?? "" : "");
    const count = keptCount(model);
    setText(kept, whatWasKept(model.kind, count));
    files.hidden = count === 0;
    setText(next, help.next);
    setText(operator, help.operator ? `For the operator: ${error?.traceId ? `trace ${error.traceId}, ` : ""}session ${model.id}` : "");
    operator.hidden = !help.operator;
    change.hidden = !help.change || model.kind === "relay";
    if (model.kind === "analysis") change.href = "analysis";
    if (model.kind === "outline" && model.ideationId) change.href = `#/ideations/${model.ideationId}`;
    // What will not help is not what is offered first.
    const isFutile = failed && error?.recoverable === false;
    retry.className = isFutile && help.change ? "button-quiet" : "button-primary";
    change.className = `button-link ${isFutile ? "button-primary" : "button-quiet"}`;
    element.dataset.futile = String(isFutile);
    tick();
  }

  /** A provider that asks to wait is not asked before. */
  function tick() {
    if (!shown || element.hidden) return;
    const { error, endedAt, serverNow } = shown;
    const waitMs = error?.retryAfterMs && endedAt ? endedAt + error.retryAfterMs - serverNow : 0;
    retry.disabled = isSending || waitMs > 0;
    setText(retry, waitMs > 0 ? `Retry in ${waitMs > 90_000 ? duration(waitMs) : `${Math.ceil(waitMs / 1_000)} s`}` : error?.recoverable === false ? "Retry anyway" : "Retry now");
  }

  return { element, update, stop: () => clearInterval(timer) };
}

function keptCount({ kind, ideas, components, concepts, assets, analysis }) {
  if (kind === "analysis") return analysis.suggestions.length;
  if (kind === "outline") return Object.values(components).filter(isFilled).length;
  return kind === "logo" ? concepts.length + assets.length : ideas.length;
}

function whatWasKept(kind, count) {
  const word = { outline: "component", logo: "drawing", analysis: "suggestion" }[kind] ?? "idea";
  return count === 0 ? `No ${word} was finished.` : `Kept: ${count} finished ${word}${count === 1 ? "" : "s"}.`;
}

function isFilled(value) {
  return value !== null && value !== undefined && value.length !== 0;
}
