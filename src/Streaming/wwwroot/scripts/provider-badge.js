// Says openly when no real model is behind the texts.

import { el } from "./dom.js";

export function offlineBadge() {
  return el("span", {
    class: "badge badge-offline",
    "data-testid": "offline-badge",
    title: "No model is configured: a built-in generator writes sample text.",
    text: "offline generator",
  });
}

/** The badge in the page's header, where no session shows its own. */
export function showSiteBadge(provider) {
  document.getElementById("site-badge").replaceChildren(...(provider === "offline" ? [offlineBadge()] : []));
}
