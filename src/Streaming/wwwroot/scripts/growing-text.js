// Text that may still be growing, with a caret behind its last character.

import { setText } from "./dom.js";

/** `growing` shows the caret; the style sheet draws it, so that it never gets into the text. */
export function showText(element, text, growing = false) {
  setText(element, plainText(text));
  element.classList.toggle("growing", growing);
}

/** Models put lists, numbers and objects where a sentence was asked for. */
export function plainText(value) {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(plainText).join("\n");
  if (typeof value === "object") return Object.values(value).map(plainText).join("\n");
  return String(value);
}
