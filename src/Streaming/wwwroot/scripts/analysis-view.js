// An analysis while it goes on: the picture, what was seen in it, and the suggestions, one by one.

import { pictureOf } from "./analysis-form.js";
import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";

const REASONS = {
  empty: "it says nothing", too_long: "it is too long", duplicate: "it repeats another", unsafe: "it has something in it that is not to be sent", language: "it is in another script",
};

export function analysisView() {
  const image = el("img", { class: "analysis-picture", alt: "The picture", hidden: true });
  const strategy = el("p", { class: "analysis-strategy", "data-testid": "strategy" });
  const why = el("p", { class: "quiet" });
  const how = el("details", { class: "analysis-how", hidden: true }, el("summary", {}, strategy), why);
  const outcome = el("p", { class: "analysis-outcome", "data-testid": "analysis-outcome", hidden: true });
  const cache = el("p", { class: "quiet", "data-testid": "analysis-cache", hidden: true });
  const summary = el("p", { class: "analysis-summary", "data-testid": "seen" });
  const details = el("ul", { class: "analysis-details" });
  const text = el("p", { class: "quiet" });
  const seen = part("What is to be seen", summary, details, text);
  const situation = el("p", { "data-testid": "situation" });
  const goal = el("p", { class: "quiet" });
  const context = part("What is going on", situation, goal);
  const suggestions = el("ol", { class: "analysis-suggestions", "data-testid": "suggestions" });
  const rejected = el("ul", { class: "analysis-rejected quiet", "data-testid": "rejected" });
  const list = part("Suggestions", suggestions, rejected);
  const element = el("section", { class: "analysis", "aria-label": "Analysis" }, image, el("div", { class: "analysis-facts" }, how, outcome, cache), seen, context, list);
  const shown = new Map(); // the item of each suggestion, by its place

  function update(model) {
    const { analysis } = model;
    const address = pictureOf(model.id);
    if (address && image.getAttribute("src") !== address) {
      image.src = address;
      image.hidden = false;
    }
    how.hidden = !analysis.strategy;
    setText(strategy, analysis.strategy ? `Strategy: ${analysis.strategy.replace("_", " ")}` : "");
    setText(why, analysis.why ?? "");
    outcome.hidden = analysis.elapsedMs === undefined;
    outcome.dataset.within = String(analysis.withinBudget);
    setText(outcome, outcome.hidden ? "" : `Over after ${seconds(analysis.elapsedMs)} of ${seconds(analysis.budgetMs)}${analysis.cache === "full" ? "." : `; ${seconds(analysis.predictedMs)} were foretold.`}`);
    cache.hidden = !analysis.cache;
    setText(cache, { full: "All of this was made before, for the same picture and the same words.", partial: "This picture was looked at before; the suggestions are new." }[analysis.cache] ?? "");
    showSeen(analysis.seen);
    context.hidden = !analysis.situation;
    setText(situation, analysis.situation?.text ?? "");
    setText(goal, analysis.situation?.goal ? `Goal: ${analysis.situation.goal}` : "");
    showSuggestions(analysis, isLive(model.status));
  }

  function showSeen(analysis) {
    seen.hidden = !analysis;
    if (!analysis) return;
    setText(summary, analysis.summary);
    if (details.children.length !== analysis.details.length + (analysis.colors.length > 0 ? 1 : 0)) {
      details.replaceChildren(...analysis.details.map((detail) => el("li", { text: detail })),
        ...(analysis.colors.length > 0 ? [el("li", { text: `Colours: ${analysis.colors.join(", ")}` })] : []));
    }
    setText(text, analysis.visibleText.length > 0 ? `Written in it: ${analysis.visibleText.join(" · ")}` : "");
  }

  function showSuggestions({ suggestions: there, rejected: refused }, live) {
    list.hidden = there.length === 0 && refused.length === 0;
    for (const [position, item] of shown) {
      if (there.some((suggestion) => suggestion.position === position)) continue;
      item.remove();
      shown.delete(position);
    }
    there.forEach((suggestion, at) => {
      const item = shown.get(suggestion.position) ?? suggestionItem(suggestion);
      shown.set(suggestion.position, item);
      if (suggestions.children[at] !== item) suggestions.insertBefore(item, suggestions.children[at] ?? null);
    });
    suggestions.setAttribute("aria-busy", String(live));
    if (rejected.children.length !== refused.length) {
      rejected.replaceChildren(...refused.map(({ position, reason }) => el("li", { text: `Suggestion ${position + 1} was rejected: ${REASONS[reason] ?? reason}.` })));
    }
  }

  function newest({ analysis, status }) {
    if (!isLive(status)) return undefined;
    return analysis.suggestions.at(-1)?.text ?? analysis.seen?.summary;
  }

  return { element, update, newest };
}

function suggestionItem({ position, text, reason }) {
  const copy = el("button", { type: "button", class: "button-quiet", "data-testid": "copy", text: "Copy", on: { click: copyText } });
  async function copyText() {
    try {
      await navigator.clipboard.writeText(text);
      setText(copy, "Copied");
    } catch {
      // Not over http, but on this machine: the text can be selected all the same.
      setText(copy, "Select it");
    }
  }
  return el("li", { class: "analysis-suggestion", "data-testid": "suggestion", "data-position": position },
    el("p", { class: "suggestion-text", text }), reason ? el("p", { class: "quiet", text: reason }) : undefined, copy);
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function part(heading, ...content) {
  return el("section", { class: "logo-part", hidden: true }, el("h3", { class: "component-heading", text: heading }), ...content);
}
