// Shows a request that was refused or never answered, with its code.

import { el } from "./dom.js";

export function problemBanner() {
  const element = el("div", { class: "banner", role: "alert", hidden: true });
  return {
    element,
    show(problem, details = []) {
      element.replaceChildren(
        el("p", { text: [problem.message, ...details].join(" ") }),
        el("code", { text: problem.code ?? `http_${problem.status}` }));
      element.hidden = false;
    },
    hide() {
      element.hidden = true;
    },
  };
}
