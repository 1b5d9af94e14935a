// The ideas of an ideation. A card keeps its place from the first letter to the finished idea,
// so nothing jumps when an idea is done.

import { Submission } from "./api.js";
import { draftIdeas } from "./drafts.js";
import { el, setText } from "./dom.js";
import { plainText, showText } from "./growing-text.js";
import { isLive } from "./session-model.js";

/** `onOutline(submission, ideaIndex)` starts an outline of one idea. */
export function ideaList(onOutline) {
  const element = el("div", { class: "ideas" });
  const cards = [];

  function update(model) {
    const entries = entriesOf(model);
    while (cards.length > entries.length) cards.pop().element.remove();
    while (cards.length < entries.length) {
      const card = ideaCard(cards.length, onOutline);
      cards.push(card);
      element.append(card.element);
    }
    entries.forEach((entry, at) => cards[at].update(entry));
  }

  function newest({ ideas, status }) {
    if (!isLive(status) || ideas.length === 0) return undefined;
    return `Idea ${ideas.length}: ${plainText(ideas.at(-1).title)}`;
  }

  return { element, update, newest };
}

function entriesOf(model) {
  const finished = model.ideas.map((idea) => ({ ...idea, phase: "finished" }));
  return [...finished, ...(isLive(model.status) ? draftsOf(model) : leftoversOf(model))];
}

function draftsOf({ texts, ideas, ideaCount }) {
  const { ideas: written, plain } = draftIdeas([...texts.values()].at(-1) ?? "");
  const drafts = unfinished(written, ideas).map((idea) => ({ ...idea, phase: "draft" }));
  if (plain) drafts.push({ body: plain, phase: "draft" });
  if (drafts.length > 0) return drafts;
  // The place of the next idea is held, or the page would shrink and grow between two ideas.
  return ideas.length < (ideaCount ?? Infinity) ? [{ phase: "waiting" }] : [];
}

/** What an ended generation had written of the next idea. */
function leftoversOf({ leftovers, ideas }) {
  const text = [...leftovers.values()].at(-1);
  if (!text) return [];
  const { ideas: written, plain } = draftIdeas(text);
  const left = unfinished(written, ideas).map((idea) => ({ ...idea, phase: "unfinished" }));
  return plain ? [...left, { body: plain, phase: "unfinished" }] : left;
}

/** By title, not by place: an answer that the server asked for anew begins with the ideas that were missing. */
function unfinished(written, finished) {
  const titles = new Set(finished.map(({ title }) => title));
  return written.filter(({ title }) => !titles.has(plainText(title).trim()));
}

function ideaCard(index, onOutline) {
  const submission = new Submission("outline");
  const title = el("h2", { class: "card-title" });
  const body = el("p", { class: "card-body" });
  const note = el("span", { class: "card-note" });
  const outline = el("button", {
    type: "button", class: "button-quiet", "data-testid": "outline-button",
    text: "Write an outline", on: { click: write },
  });
  const element = el("article", { class: "card" },
    el("span", { class: "card-number", "aria-hidden": "true", text: String(index + 1) }),
    title, body, el("footer", { class: "card-foot" }, note, outline));

  async function write() {
    outline.disabled = true;
    await onOutline(submission, index);
    outline.disabled = false;
  }

  function update(idea) {
    const finished = idea.phase === "finished";
    const draft = idea.phase === "draft";
    element.dataset.phase = idea.phase;
    element.dataset.testid = finished ? "idea-card" : "draft-card";
    showText(title, idea.title, draft && idea.body === undefined);
    showText(body, idea.body, draft && idea.body !== undefined);
    title.hidden = !idea.title && idea.body !== undefined;
    setText(note, { draft: "being written", waiting: "next", unfinished: "unfinished" }[idea.phase] ?? "");
    outline.hidden = !finished;
  }

  return { element, update };
}
