// Where one begins: the form for new ideas, and the sessions of earlier.

import { el } from "./dom.js";
import { historyList } from "./history-list.js";
import { ideaForm } from "./idea-form.js";
import { logoForm } from "./logo-form.js";
import { showSiteBadge } from "./provider-badge.js";

export function homePage() {
  document.title = "Streaming";
  const lists = [
    historyList("ideation", "Ideas", showProvider),
    historyList("outline", "Outlines", showProvider),
    historyList("logo", "Logos", showProvider),
  ];
  const element = el("div", { class: "home" },
    el("section", { class: "intro" },
      el("h1", { text: "What should the next story be?" }),
      el("p", { class: "lede", text:
        "Ask for ideas and watch them being written. Close the tab, lose the network, come back: "
        + "nothing is lost, and you read on where you were." })),
    ideaForm(),
    logoForm(),
    el("section", { class: "history", "aria-label": "Earlier sessions" },
      ...lists.map((list) => list.element)));

  // A list may be answered after the page was left, and a session shows its own badge.
  function showProvider(provider) {
    if (element.isConnected) showSiteBadge(provider);
  }

  return {
    element,
    enter: () => lists.forEach((list) => list.readMore()),
    leave: () => showSiteBadge(undefined),
  };
}
