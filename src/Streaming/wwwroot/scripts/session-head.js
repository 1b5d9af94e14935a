// What was asked, when, and of which model.

import { el, setText } from "./dom.js";
import { offlineBadge } from "./provider-badge.js";
import { dateTime } from "./time.js";

export function sessionHead(kind) {
  const title = el("h1", { class: "session-title", text: " " });
  const source = el("p", { class: "session-source", hidden: true });
  const read = el("p", { "data-testid": "document-summary" });
  const summary = el("details", { class: "session-source session-summary", hidden: true }, el("summary", { text: "What was read of it" }), read);
  const status = el("span", { class: "status", "data-testid": "status" });
  const provider = el("span");
  const created = el("time");
  const facts = el("span", { class: "facts" });
  const badge = el("span");
  const back = el("a", { href: kind === "analysis" ? "analysis" : "./#/", text: kind === "analysis" ? "All analyses" : "All sessions" });
  const ideation = el("a", { hidden: true, text: "The idea it comes from" });
  const element = el("header", { class: "session-head" },
    el("nav", { class: "crumbs", "aria-label": "Back" }, back, ideation),
    el("p", { class: "eyebrow", text: { outline: "Outline", logo: "Logo", analysis: "Analysis" }[kind] ?? "Ideas" }),
    title,
    source,
    el("div", { class: "session-meta" }, status, badge, facts, provider, created),
    summary);

  function update(model) {
    setText(title, model.title || "Untitled");
    document.title = `${model.title || "Untitled"} · Streaming`;
    setText(source, model.sourceText ?? "");
    source.hidden = !model.sourceText;
    setText(read, model.summary ?? "");
    summary.hidden = !model.summary;
    setText(status, model.status);
    status.dataset.status = model.status;
    setText(provider, [model.provider, model.model].filter(Boolean).join(" · "));
    created.dateTime = model.createdAt;
    setText(created, dateTime(model.createdAt));
    showFacts(model.facts);
    showBadge(model.provider === "offline");
    ideation.hidden = !model.ideationId;
    if (model.ideationId) ideation.href = `#/ideations/${model.ideationId}`;
  }

  function showFacts(texts) {
    if (facts.children.length !== texts.length) {
      facts.replaceChildren(...texts.map((text) => el("span", { class: "chip", text })));
    }
  }

  function showBadge(offline) {
    if (offline === badge.hasChildNodes()) return;
    badge.replaceChildren(...(offline ? [offlineBadge()] : []));
  }

  return { element, update };
}
