// The page: shows the session named in the address, or the form and the earlier sessions.

import { analysisPage } from "./analysis-page.js";
import { homePage } from "./home-page.js";
import { sessionPage } from "./session-page.js";
import { signInCard } from "./sign-in-card.js";
import { currentToken, onTokenWanted } from "./token.js";
import { showUser } from "./user-badge.js";

const KINDS = { ideations: "ideation", outlines: "outline", logos: "logo", analyses: "analysis" };

const main = document.getElementById("main");
const card = signInCard(() => {
  main.hidden = !card.element.hidden && currentToken() === undefined;
  showUser();
});
let leave = () => {};

function show() {
  leave();
  const match = /^#\/(ideations|outlines|logos|analyses)\/([^/]+)$/.exec(location.hash);
  const page = match ? sessionPage(KINDS[match[1]], decodeURIComponent(match[2]))
    : location.pathname.endsWith("/analysis") ? analysisPage() : homePage();
  leave = page.leave;
  main.replaceChildren(page.element);
  page.enter();
}

window.addEventListener("hashchange", () => {
  show();
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true }); // a screen reader hears that the page has changed
});

// The address is the router's, so the skip link may not change it.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

main.before(card.element);
onTokenWanted(card.show);
showUser();
show();
