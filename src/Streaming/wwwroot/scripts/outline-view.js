// An outline as a document: its components appear in reading order, each as soon as there is a
// first word of it.

import { draftComponents } from "./drafts.js";
import { el } from "./dom.js";
import { plainText, showText } from "./growing-text.js";
import { itemSection } from "./outline-items.js";
import { isLive } from "./session-model.js";

const HEADINGS = {
  title: "Title",
  genre: "Genre",
  sellingPoints: "Selling points",
  setting: "Setting",
  synopsis: "Synopsis",
};

export function outlineView() {
  const sections = [
    ...Object.entries(HEADINGS).map(([name, heading]) => textSection(name, heading)),
    itemSection("characters", "Characters", ["name", "role", "description"]),
    itemSection("stages", "Stages", ["title", "episodes", "summary"]),
  ];
  const loose = el("p", { class: "loose-text", hidden: true });
  const waiting = el("div", { class: "outline-waiting", hidden: true });
  const element = el("div", { class: "outline" }, ...sections.map((section) => section.element), loose, waiting);

  function update(model) {
    const live = isLive(model.status);
    const texts = live ? model.texts : model.leftovers;
    const { components: drafts, plain } = draftComponents(texts);
    // The model writes one component at a time, and the last one it began is the one that grows.
    const growing = Object.keys(drafts).at(-1);
    for (const section of sections) {
      const { name } = section;
      section.update(model.components[name], drafts[name], live && name === growing);
    }
    showText(loose, plain, live);
    loose.hidden = !plain;
    if (plain) loose.dataset.testid = "draft-card";
    else delete loose.dataset.testid;
    waiting.hidden = !live || plain !== "" || sections.some((section) => !section.element.hidden);
  }

  function newest({ components, status }) {
    const name = Object.keys(HEADINGS).findLast((known) => components[known]);
    return isLive(status) && name ? `${HEADINGS[name]}: ${plainText(components[name])}` : undefined;
  }

  return { element, update, newest };
}

function textSection(name, heading) {
  const text = el(name === "title" ? "h2" : "p", { class: "component-text" });
  const points = el("ul", { class: "component-points", hidden: true });
  const element = el("section", { class: `component component-${name}`, hidden: true },
    el("h3", { class: "component-heading", text: heading }), text, points);

  function update(finished, draft, growing) {
    const done = hasText(finished);
    const value = done ? finished : draft;
    element.hidden = !hasText(value);
    element.dataset.phase = done ? "finished" : "draft";
    element.dataset.testid = done ? `component-${name}` : "draft-card";
    const list = Array.isArray(value) ? value : [];
    text.hidden = list.length > 0;
    points.hidden = list.length === 0;
    showText(text, list.length > 0 ? "" : value, !done && growing);
    showPoints(list, !done && growing);
  }

  function showPoints(list, growing) {
    while (points.children.length > list.length) points.lastChild.remove();
    while (points.children.length < list.length) points.append(el("li"));
    list.forEach((point, at) => showText(points.children[at], point, growing && at === list.length - 1));
  }

  return { name, element, update };
}

function hasText(value) {
  return plainText(value) !== "";
}
