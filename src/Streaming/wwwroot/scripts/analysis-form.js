// The form that starts an analysis: a picture that is chosen, pasted or dropped, and what to say with it.

import { analyzePicture } from "./api.js";
import { el, setText } from "./dom.js";
import { takeDraft } from "./input-draft.js";
import { problemBanner } from "./problem-banner.js";

const PRIORITIES = [["standard", "Within 12 s"], ["ideal", "Within 8 s"], ["keyboard", "Within 6 s"], ["urgent", "Within 4 s"]];

let latest; // the picture of the newest analysis, as long as this page is open

/** Address of the picture of an analysis, if it was sent from here. */
export function pictureOf(id) {
  return latest?.id === id ? latest.address : undefined;
}

export function analysisForm() {
  let picture;
  let address;
  const file = el("input", {
    id: "picture", type: "file", class: "visually-hidden", accept: "image/jpeg,image/png,image/webp,image/heic,image/avif", "data-testid": "picture",
    on: { change: () => take(file.files[0]) },
  });
  const shown = el("img", { alt: "The picture that you chose", hidden: true, on: { error: () => { shown.hidden = true; } } });
  const name = el("span", { class: "picture-name", text: "Choose a picture, paste it, or drop it here" });
  const place = el("label", {
    for: file.id, class: "picture-place", "data-testid": "picture-place",
    on: { dragover: (event) => event.preventDefault(), drop },
  }, shown, name, el("span", { class: "quiet", text: "JPEG, PNG, WebP, HEIC or AVIF, 20 MiB at most" }));
  const context = el("textarea", { id: "context", rows: "2", maxlength: "4000", "data-testid": "context", placeholder: "A friend sent me this. What do I answer?" });
  const priority = el("select", { id: "priority", "data-testid": "priority" }, ...PRIORITIES.map(([value, text]) => el("option", { value, text })));
  const count = el("select", { id: "suggestionCount" }, el("option", { value: "", text: "As many as there is time for" }),
    ...[1, 2, 3, 4, 5, 6].map((number) => el("option", { value: number, text: number })));
  const submit = el("button", { type: "submit", class: "button-primary", "data-testid": "submit-analysis", text: "Analyse it" });
  const banner = problemBanner();
  const draft = takeDraft("analysis");
  if (draft) {
    context.value = draft.context ?? "";
    priority.value = draft.priority;
    count.value = draft.suggestionCount ?? "";
  }

  function take(chosen) {
    if (!chosen) return;
    picture = chosen;
    banner.hide();
    setText(name, chosen.name ?? "The pasted picture");
    // As data: addresses of blobs are not allowed here.
    const reader = new FileReader();
    reader.onload = () => {
      if (picture !== chosen) return;
      address = reader.result;
      shown.src = address;
      shown.hidden = false;
    };
    reader.readAsDataURL(chosen);
  }

  function drop(event) {
    event.preventDefault();
    take([...event.dataTransfer.files].find(isImage));
  }

  function paste(event) {
    const pasted = [...(event.clipboardData?.files ?? [])].find(isImage);
    if (!pasted) return;
    event.preventDefault();
    take(pasted);
  }

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    banner.hide();
    if (!picture) {
      banner.show({ message: "Choose a picture first.", code: "no_picture" });
      return;
    }
    submit.disabled = true;
    try {
      const state = await analyzePicture(picture, { context: context.value, priority: priority.value, suggestionCount: count.value });
      latest = { id: state.id, address };
      location.hash = `#/analyses/${state.id}`;
    } catch (problem) {
      banner.show(problem, Object.entries(problem.errors ?? {}).map(([field, messages]) => `${field}: ${messages.join(" ")}`));
    } finally {
      submit.disabled = false;
    }
  }

  const element = el("form", { class: "panel idea-form", novalidate: true, "aria-label": "Analysis", on: { submit: send } },
    el("div", { class: "picture-field" }, file, place),
    field("What is it about? (optional)", context),
    el("div", { class: "field-pair" }, field("How soon?", priority), field("Suggestions", count)),
    banner.element,
    el("div", { class: "form-actions" }, submit));

  return {
    element,
    enter: () => document.addEventListener("paste", paste),
    leave: () => document.removeEventListener("paste", paste),
  };
}

function isImage({ type }) {
  return type.startsWith("image/");
}

function field(label, control) {
  return el("div", { class: "field" }, el("label", { for: control.id, text: label }), control);
}
