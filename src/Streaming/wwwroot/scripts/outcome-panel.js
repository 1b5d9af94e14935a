// Why a generation stopped short, what was kept, and the way to go on.

import { el, setText } from "./dom.js";

export function outcomePanel(onRetry) {
  const heading = el("h2");
  const message = el("p");
  const code = el("code");
  const kept = el("p", { class: "quiet" });
  const retry = el("button", {
    type: "button", class: "button-primary", "data-testid": "retry", text: "Retry", on: { click: send },
  });
  const element = el("section", { class: "outcome", hidden: true }, heading, message, code, kept, retry);

  async function send() {
    retry.disabled = true;
    await onRetry();
    retry.disabled = false;
  }

  function update(model) {
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
    setText(heading, failed ? "The generation failed" : "Cancelled");
    setText(message, failed ? model.error?.message ?? "The server gave no reason." : "");
    message.hidden = !failed;
    setText(code, model.error?.code ?? "");
    code.hidden = !failed || !model.error?.code;
    setText(kept, whatWasKept(model));
  }

  return { element, update };
}

function whatWasKept({ kind, ideas, components }) {
  if (kind === "outline") {
    const count = Object.values(components).filter(isFilled).length;
    return sentence(count, "component");
  }
  return sentence(ideas.length, "idea");
}

function sentence(count, word) {
  return count === 0 ? `No ${word} was finished.` : `Kept: ${count} finished ${word}${count === 1 ? "" : "s"}.`;
}

function isFilled(value) {
  return value !== null && value !== undefined && value.length !== 0;
}
