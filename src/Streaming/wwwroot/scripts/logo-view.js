// A logo while it is drawn: the newest preview large, the concepts below, the files at the end.
// Pictures are shown in <img> alone, where nothing in an SVG runs or loads.

import { downloadFile, readText } from "./api.js";
import { el, setText } from "./dom.js";

export function logoView() {
  const drawing = el("img", { class: "logo-drawing", alt: "The drawing so far", "data-testid": "logo-drawing", hidden: true });
  const concepts = el("ul", { class: "logo-concepts", "data-testid": "logo-concepts" });
  const choice = el("p", { class: "quiet" });
  const note = el("p", { class: "field-error", role: "status" });
  const files = el("ul", { class: "logo-files", "data-testid": "logo-files" });
  const element = el("section", { class: "logo", "aria-label": "Logo" }, drawing, choice, concepts, note, files);
  let shown;

  function update(model) {
    const logo = model.assets.find(({ name }) => name === "logo.svg");
    const wanted = model.drawing ?? logo?.url;
    if (wanted && wanted !== shown) {
      shown = wanted;
      showPicture(drawing, model.drawing, logo?.url);
    }
    setText(choice, model.choice?.reason ?? "");
    grow(concepts, model.concepts, (concept) => el("li", {},
      showPicture(el("img", { alt: "" }), model.previews.get(concept.name), concept.url),
      el("strong", { text: concept.title }), el("p", { text: concept.idea })));
    grow(files, model.assets, ({ name, bytes, url }) => el("li", {},
      el("a", { href: url, download: name, text: name, on: { click: (event) => download(event, url, name) } }),
      el("span", { class: "quiet", text: ` ${Math.ceil(bytes / 1024)} KB` })));
    if (model.assets.length > 0 && model.status === "completed" && !files.querySelector("[data-zip]")) {
      const url = `/api/logos/${model.id}/artifacts.zip`;
      files.append(el("li", { "data-zip": true },
        el("a", { href: url, text: "All of it (zip)", on: { click: (event) => download(event, url, "logo.zip") } })));
    }
  }

  /** From the preview, or where the page came too late for it, from the file. */
  function showPicture(image, svg, url) {
    if (svg) image.src = pictureAddress(svg);
    else readText(url).then((text) => { image.src = pictureAddress(text); }, (problem) => setText(note, problem.message));
    image.hidden = false;
    return image;
  }

  /** With the token, which a link cannot send. */
  async function download(event, url, name) {
    event.preventDefault();
    setText(note, "");
    try {
      await downloadFile(url, name);
    } catch (problem) {
      setText(note, problem.message);
    }
  }

  function newest({ assets, concepts: made }) {
    if (assets.length > 0) return `${assets.at(-1).name} is ready.`;
    return made.length > 0 ? `Concept ${made.length}: ${made.at(-1).title}` : undefined;
  }

  return { element, update, newest };
}

function grow(list, items, make) {
  if (items.length < list.children.length && items.length === 0) list.replaceChildren();
  for (const item of items.slice(list.children.length)) list.append(make(item));
}

function pictureAddress(svg) {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}
