// Where one has a picture analysed: the form, and the analyses of earlier.

import { analysisForm } from "./analysis-form.js";
import { el } from "./dom.js";
import { historyList } from "./history-list.js";
import { HomeWatch } from "./home-watch.js";
import { showSiteBadge } from "./provider-badge.js";

export function analysisPage() {
  document.title = "Analysis · Streaming";
  const form = analysisForm();
  const list = historyList("analysis", "Analyses", { onProvider: showProvider, onItems: follow });
  const watch = new HomeWatch((id) => list.items.get(id)?.element.remove());
  const element = el("div", { class: "home" },
    el("section", { class: "intro" },
      el("nav", { class: "crumbs", "aria-label": "Back" }, el("a", { href: "./#/", text: "All sessions" })),
      el("h1", { text: "What is in this picture?" }),
      el("p", { class: "lede", text:
        "Choose a picture, paste one, or drop it here. It is looked at in four phases, within the time that you give it, "
        + "and each suggestion appears as soon as it is there." })),
    form.element,
    el("section", { class: "history", "aria-label": "Earlier analyses" }, list.element));

  function showProvider(provider) {
    if (element.isConnected) showSiteBadge(provider);
  }

  function follow() {
    if (element.isConnected) watch.follow(list.items);
  }

  function enter() {
    form.enter();
    list.readMore();
  }

  function leave() {
    form.leave();
    watch.stop();
    showSiteBadge(undefined);
  }

  return { element, enter, leave };
}
