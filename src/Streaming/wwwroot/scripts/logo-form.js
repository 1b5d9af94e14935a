// The form that starts a logo.

import { Submission } from "./api.js";
import { el } from "./dom.js";
import { takeDraft } from "./input-draft.js";
import { problemBanner } from "./problem-banner.js";

export function logoForm() {
  const submission = new Submission("logo");
  const brandName = el("input", { id: "brandName", type: "text", maxlength: "100", "data-testid": "brand-name" });
  const description = el("textarea", { id: "description", rows: "2", "data-testid": "brand-description", placeholder: "What it does, and for whom" });
  const style = el("input", { id: "logoStyle", type: "text", maxlength: "500", placeholder: "Calm, geometric…" });
  const colors = el("input", { id: "logoColors", type: "text", placeholder: "#1d3557, orange" });
  const submit = el("button", { type: "submit", class: "button-primary", "data-testid": "submit-logo", text: "Draw a logo" });
  const banner = problemBanner();
  const draft = takeDraft("logo");
  if (draft) {
    brandName.value = draft.brandName;
    description.value = draft.description;
    style.value = draft.style ?? "";
    colors.value = (draft.colors ?? []).join(", ");
  }

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    banner.hide();
    submit.disabled = true;
    try {
      const state = await submission.send({
        brandName: brandName.value,
        description: description.value,
        style: style.value || null,
        colors: colors.value.split(",").map((color) => color.trim()).filter(Boolean),
      });
      location.hash = `#/logos/${state.id}`;
    } catch (problem) {
      banner.show(problem, Object.entries(problem.errors ?? {}).map(([field, messages]) => `${field}: ${messages.join(" ")}`));
    } finally {
      submit.disabled = false;
    }
  }

  return el("form", { class: "panel idea-form", novalidate: true, "aria-label": "Logo", on: { submit: send } },
    el("h2", { text: "Or a logo?" }),
    el("div", { class: "field-pair" }, field("Name of the brand", brandName), field("Style (optional)", style)),
    field("What does it stand for?", description),
    field("Colours (optional)", colors),
    banner.element,
    el("div", { class: "form-actions" }, submit));
}

function field(label, control) {
  return el("div", { class: "field" }, el("label", { for: control.id, text: label }), control);
}
