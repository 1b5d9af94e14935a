// What the user says to a generation while it goes on, and what becomes of it.

import { Guidance } from "./api.js";
import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";

/** `onProblem(problem)` shows why it was refused; `onSend()` comes before each try. */
export function guidancePanel(kind, id, { onSend, onProblem }) {
  const guidance = new Guidance(kind, id);
  const input = el("textarea", {
    id: "guidance", name: "guidance", rows: "2", "data-testid": "guidance-input",
    placeholder: { logo: "Bolder, and in warm colours", analysis: "Shorter, and with a joke" }[kind] ?? "Add a dragon, and let it be funny", "aria-describedby": "guidance-hint", on: { keydown: sendOnEnter },
  });
  const submit = el("button", { type: "submit", class: "button-quiet", "data-testid": "guidance-send", text: "Send" });
  const form = el("form", { class: "guidance-form", novalidate: true, on: { submit: send } },
    el("label", { for: input.id, text: "Guide it" }),
    input,
    el("div", { class: "guidance-row" },
      el("p", { class: "quiet", id: "guidance-hint", text: "Enter sends. What is finished stays." }),
      submit));
  const said = el("ol", { class: "guidance-said", "data-testid": "guidance-said", "aria-label": "What you said" });
  const element = el("section", { class: "panel guidance", "aria-label": "Guidance", hidden: true }, form, said);

  function sendOnEnter(event) {
    // Enter within a composition chooses a word, it sends nothing.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  }

  async function send(event) {
    event.preventDefault();
    const text = input.value;
    if (submit.disabled || !text.trim()) return;
    onSend();
    submit.disabled = true;
    try {
      await guidance.send(text);
      if (input.value === text) input.value = "";
    } catch (problem) {
      onProblem(problem);
    } finally {
      submit.disabled = false;
    }
  }

  function update(model) {
    const live = isLive(model.status);
    form.hidden = !live;
    element.hidden = !live && model.guidance.length === 0;
    while (said.children.length > model.guidance.length) said.lastChild.remove();
    model.guidance.forEach(({ text, applied, late }, at) => {
      const item = said.children[at] ?? said.appendChild(el("li", {}, el("span", { class: "guidance-text" }), el("span", { class: "status" })));
      const fate = applied ? "applied" : late || !live ? "not applied" : "received";
      setText(item.firstChild, text);
      setText(item.lastChild, fate);
      item.dataset.fate = fate;
    });
  }

  return { element, update };
}
