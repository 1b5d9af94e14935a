// Where one begins: the forms for what is new, and the sessions of earlier.

import { documentForm } from "./document-form.js";
import { el } from "./dom.js";
import { historyList } from "./history-list.js";
import { HomeWatch } from "./home-watch.js";
import { ideaForm } from "./idea-form.js";
import { logoForm } from "./logo-form.js";
import { showSiteBadge } from "./provider-badge.js";

export function homePage() {
  document.title = "Streaming";
  const handlers = { onProvider: showProvider, onItems: followAll };
  const lists = [
    historyList("ideation", "Ideas", handlers),
    historyList("outline", "Outlines", handlers),
    historyList("logo", "Logos", handlers),
  ];
  const watch = new HomeWatch((id) => {
    for (const { items } of lists) items.get(id)?.element.remove();
  });
  const manuscript = documentForm();
  const element = el("div", { class: "home" },
    el("section", { class: "intro" },
      el("h1", { text: "What should the next story be?" }),
      el("p", { class: "lede", text:
        "Ask for ideas and watch them being written. Close the tab, lose the network, come back: "
        + "nothing is lost, and you read on where you were." }),
      el("p", { class: "intro-more" }, el("a", { href: "analysis", "data-testid": "to-analysis", text: "Or have a picture analysed" }))),
    ideaForm(),
    manuscript.element,
    logoForm(),
    el("section", { class: "history", "aria-label": "Earlier sessions" },
      ...lists.map((list) => list.element)));
  let isReading = true; // the first pages; all of them are followed together

  // A list may be answered after the page was left, and a session shows its own badge.
  function showProvider(provider) {
    if (element.isConnected) showSiteBadge(provider);
  }

  function followAll() {
    if (!isReading && element.isConnected) watch.follow(new Map(lists.flatMap(({ items }) => [...items])));
  }

  async function enter() {
    await Promise.all(lists.map((list) => list.readMore()));
    isReading = false;
    followAll();
  }

  function leave() {
    manuscript.leave();
    watch.stop();
    showSiteBadge(undefined);
  }

  return { element, enter, leave };
}
