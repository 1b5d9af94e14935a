// Asks for a bearer token where the service wants one. A first visit is the card alone; a token
// that ends in mid-work brings the card back above the page, which stays as it is and goes on.

import { checkToken } from "./api.js";
import { announce, el, setText } from "./dom.js";
import { currentToken, signIn } from "./token.js";

/** `onChange()` is called when the card comes or goes. */
export function signInCard(onChange) {
  const reason = el("p", { class: "warning", "data-testid": "sign-in-reason", hidden: true });
  const error = el("p", { class: "field-error", id: "token-error", role: "alert", hidden: true });
  // No password field: a browser would offer to keep it for longer than the tab lives.
  const field = el("textarea", {
    id: "token", name: "token", rows: "3", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    required: true, placeholder: "eyJhbGciOi…", "data-testid": "token",
  });
  const heading = el("h1", { id: "sign-in-heading" });
  const submit = el("button", { type: "submit", class: "button-primary", "data-testid": "sign-in-submit", text: "Sign in" });
  const element = el("section", { class: "panel sign-in", "data-testid": "sign-in", "aria-labelledby": "sign-in-heading", hidden: true },
    heading,
    reason,
    el("form", { novalidate: true, on: { submit: send } },
      el("div", { class: "field" }, el("label", { for: "token", text: "Bearer token" }), field, error),
      el("p", { class: "quiet", text:
        "This service checks tokens and issues none: paste one from your identity provider. It stays in this tab, until you "
        + "sign out or close it. An app of your own sends its own token instead." }),
      el("div", { class: "form-actions" }, submit)));

  function show(problem) {
    const expired = currentToken() !== undefined;
    setText(reason, expired ? `${problem.message} Nothing here is lost: it goes on with a new one.` : "");
    reason.hidden = !expired;
    setText(heading, expired ? "Sign in again" : "Sign in");
    field.rows = expired ? 2 : 3;
    if (!element.hidden) return;
    element.hidden = false;
    element.dataset.overPage = String(expired);
    onChange();
    announce(expired ? "The token is no longer accepted. Sign in again." : "Sign in to go on.");
    // Whoever is typing on the page is not torn away from it.
    if (!expired) field.focus();
  }

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    const token = field.value.replace(/^\s*bearer\s/i, "").replace(/\s+/g, "");
    showError("");
    submit.disabled = true;
    setText(submit, "Checking…");
    try {
      if (!/^[\x21-\x7e]+$/.test(token)) throw new Error("Paste a token: three parts with dots between them.");
      await checkToken(token);
      field.value = "";
      element.hidden = true;
      signIn(token);
      onChange();
    } catch (problem) {
      showError(problem.message);
      field.focus();
    } finally {
      submit.disabled = false;
      setText(submit, "Sign in");
    }
  }

  function showError(message) {
    setText(error, message);
    error.hidden = !message;
    field.setAttribute("aria-invalid", String(message !== ""));
    if (message) field.setAttribute("aria-describedby", error.id);
    else field.removeAttribute("aria-describedby");
  }

  return { element, show };
}
