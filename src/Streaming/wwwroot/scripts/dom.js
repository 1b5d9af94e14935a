// Builds and updates elements. Text only ever enters through textContent, so a model that
// answers with markup shows its markup and nothing more.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") listen(element, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

function listen(element, handlers) {
  for (const [type, handler] of Object.entries(handlers)) element.addEventListener(type, handler);
}

/** Leaves an unchanged text alone: the reader's selection in it survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says something to a screen reader without moving the focus. */
export function announce(text) {
  setText(document.getElementById("announcements"), text);
}
