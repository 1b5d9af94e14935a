// The components that are lists: characters and stages, one card per element.

import { el } from "./dom.js";
import { showText } from "./growing-text.js";

/** `fields`: the heading of an element, what goes beside it, and its text, by their names. */
export function itemSection(name, heading, fields) {
  const items = el("div", { class: "items" });
  const element = el("section", { class: `component component-${name}`, hidden: true },
    el("h3", { class: "component-heading", text: heading }), items);
  const cards = [];

  function update(finished, draft, growing) {
    const done = Array.isArray(finished) ? finished : [];
    const written = Array.isArray(draft) ? unfinished(draft, done, fields[0]) : [];
    const values = [...done, ...written];
    element.hidden = values.length === 0;
    if (done.length > 0) element.dataset.testid = `component-${name}`;
    else delete element.dataset.testid;
    while (cards.length > values.length) cards.pop().element.remove();
    while (cards.length < values.length) {
      const card = itemCard(fields);
      cards.push(card);
      items.append(card.element);
    }
    values.forEach((value, at) => {
      const isDraft = at >= done.length;
      cards[at].update(value, isDraft, isDraft && growing && at === values.length - 1);
    });
  }

  return { name, element, update };
}

/** By heading, not by place: an answer that the server asked for anew begins at its beginning. */
function unfinished(written, finished, heading) {
  const headings = new Set(finished.map((element) => element[heading]));
  return written.filter((element) => !headings.has(element?.[heading]));
}

function itemCard(fields) {
  const nodes = [
    el("h4", { class: "item-title" }),
    el("span", { class: "item-aside" }),
    el("p", { class: "item-text" }),
  ];
  const [title, aside, text] = nodes;
  const element = el("article", { class: "item" }, el("header", {}, title, aside), text);

  function update(value, isDraft, growing) {
    element.dataset.phase = isDraft ? "draft" : "finished";
    if (isDraft) element.dataset.testid = "draft-card";
    else delete element.dataset.testid;
    // An element may be a bare sentence where an object was asked for.
    const parts = typeof value === "object" && value !== null ? fields.map((field) => value[field]) : [value];
    const last = parts.findLastIndex((part) => part !== undefined);
    nodes.forEach((node, at) => showText(node, label(fields[at], parts[at]), growing && at === last));
  }

  return { element, update };
}

function label(field, part) {
  return field === "episodes" && part !== undefined && part !== null ? `Episodes ${part}` : part;
}
