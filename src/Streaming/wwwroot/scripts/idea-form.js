// The form that starts an ideation.

import { Submission } from "./api.js";
import { el, setText } from "./dom.js";
import { genreRows } from "./genre-rows.js";
import { takeDraft } from "./input-draft.js";
import { problemBanner } from "./problem-banner.js";

const PLATFORMS = ["TikTok", "YouTube", "Netflix", "ReelShort", "Podcast", "Web novel", "Stage", "Game"];
const IDEA_COUNT_DEFAULT = 5;

export function ideaForm() {
  const submission = new Submission("ideation");
  const userInput = el("textarea", {
    id: "userInput", name: "userInput", rows: "3", "data-testid": "user-input",
    placeholder: "A lighthouse keeper who receives letters from the future…",
  });
  const platform = el("select", { id: "selectedPlatform", name: "selectedPlatform" },
    el("option", { value: "", text: "No platform in particular" }),
    ...PLATFORMS.map((name) => el("option", { value: name, text: name })));
  const ideaCount = el("input", {
    id: "ideaCount", name: "ideaCount", type: "range", min: "1", max: "10", value: IDEA_COUNT_DEFAULT,
    on: { input: () => setText(count, ideaCount.value) },
  });
  const count = el("output", { class: "share", for: "ideaCount", text: String(IDEA_COUNT_DEFAULT) });
  const genres = genreRows();
  const submit = el("button", { type: "submit", class: "button-primary", "data-testid": "submit", text: "Get ideas" });
  const banner = problemBanner();
  fill(takeDraft("ideation"));

  function fill(draft) {
    if (!draft) return;
    userInput.value = draft.userInput;
    if (PLATFORMS.includes(draft.selectedPlatform)) platform.value = draft.selectedPlatform;
    ideaCount.value = draft.ideaCount;
    setText(count, ideaCount.value);
    genres.fill(draft.genrePaths ?? [], draft.genreProportions ?? []);
  }

  const fields = {
    userInput: field("What do you want ideas about?", userInput),
    selectedPlatform: field("Platform", platform),
    ideaCount: field("Number of ideas", ideaCount, count),
    genres: groupField("Genres", genres.element),
  };
  // Both belong to the same rows.
  fields.genrePaths = fields.genreProportions = fields.genres;

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    clearProblems();
    submit.disabled = true;
    setText(submit, "Sending…");
    try {
      const state = await submission.send({
        userInput: userInput.value,
        selectedPlatform: platform.value || null,
        ...genres.read(),
        ideaCount: Number(ideaCount.value),
      });
      location.hash = `#/ideations/${state.id}`;
    } catch (problem) {
      showProblem(problem);
    } finally {
      submit.disabled = false;
      setText(submit, "Get ideas");
    }
  }

  function clearProblems() {
    banner.hide();
    for (const { showError } of Object.values(fields)) showError([]);
  }

  function showProblem(problem) {
    const others = [];
    let shown;
    for (const [key, messages] of Object.entries(problem.errors)) {
      const target = fields[key.split(/[.[]/)[0]];
      if (target) { target.showError(messages); shown ??= target; }
      else others.push(...messages);
    }
    if (shown && others.length === 0) shown.focus();
    else banner.show(problem, others);
  }

  return el("form", { class: "panel idea-form", novalidate: true, on: { submit: send } },
    fields.userInput.element,
    el("div", { class: "field-pair" }, fields.selectedPlatform.element, fields.ideaCount.element),
    fields.genres.element,
    banner.element,
    el("div", { class: "form-actions" }, submit));
}

function field(label, control, output) {
  return withError(control, el("div", { class: "field" },
    el("label", { for: control.id, text: label }),
    output ? el("div", { class: "with-output" }, control, output) : control));
}

function groupField(label, content) {
  return withError(content.querySelector("input"), el("fieldset", { class: "field" },
    el("legend", { text: label }),
    content));
}

/** Ties the field's error to its control, so that a screen reader reads both. */
function withError(control, element) {
  const error = el("p", { class: "field-error", id: `${control.name}-error`, hidden: true });
  element.append(error);
  return {
    element,
    focus: () => control.focus(),
    showError(messages) {
      setText(error, messages.join(" "));
      error.hidden = messages.length === 0;
      control.setAttribute("aria-invalid", String(messages.length > 0));
      if (messages.length > 0) control.setAttribute("aria-describedby", error.id);
      else control.removeAttribute("aria-describedby");
    },
  };
}
