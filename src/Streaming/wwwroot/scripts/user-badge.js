// Who is signed in, and the way out.

import { el } from "./dom.js";
import { currentUser, signOut } from "./token.js";

export function showUser() {
  const user = currentUser();
  const name = el("span", { class: "user-name", "data-testid": "user", title: user, text: user ?? "" });
  const out = el("button", {
    type: "button", class: "button-quiet", "data-testid": "sign-out", text: "Sign out", on: { click: signOut },
  });
  document.getElementById("site-user").replaceChildren(...(user === undefined ? [] : [name, out]));
}
