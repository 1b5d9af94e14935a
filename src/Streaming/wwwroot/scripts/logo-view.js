// A logo while it is drawn, the newest picture large, and when it is done: logo, variations, guidelines, files.
// Pictures are shown in <img> alone, where nothing in an SVG runs or loads; of the guidelines' page only the text is taken.

import { downloadFile, readText } from "./api.js";
import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";

const VARIATIONS = {
  "logo-monochrome.svg": "Monochrome",
  "logo-reversed.svg": "Reversed",
  "logo-icon.svg": "Icon",
};

export function logoView() {
  const drawing = el("img", { class: "logo-drawing", "data-testid": "logo-drawing" });
  const caption = el("figcaption", { class: "quiet" });
  const figure = el("figure", { class: "logo-figure", "data-testid": "logo-figure", hidden: true }, drawing, caption);
  const waiting = el("p", { class: "logo-waiting quiet", text: "The first drawing appears here as soon as it is begun." });
  const variations = el("ul", { class: "logo-pictures", "data-testid": "logo-variations" });
  const concepts = el("ul", { class: "logo-pictures", "data-testid": "logo-concepts" });
  const choice = el("p", { class: "logo-choice" });
  const guidelines = el("div", { class: "logo-guidelines", "data-testid": "logo-guidelines" });
  const files = el("ul", { class: "logo-files", "data-testid": "logo-files" });
  const zip = el("button", { type: "button", class: "button-quiet", "data-testid": "logo-zip", text: "Download all of it (zip)" });
  const note = el("p", { class: "field-error", role: "status" });
  const parts = {
    variations: part("Variations", variations),
    concepts: part("Concepts", concepts, choice),
    guidelines: part("Guidelines", guidelines),
    files: part("Files", files, zip, note),
  };
  const element = el("section", { class: "logo", "aria-label": "Logo" }, figure, waiting, ...Object.values(parts));
  const pictures = new Map(); // what each <img> shows
  let guidelinesShown;

  function update(model) {
    const live = isLive(model.status);
    const logo = model.assets.find(({ name }) => name === "logo.svg");
    const chosen = model.choice && model.concepts[model.choice.concept - 1];
    // A drawing that was broken off is not the result: then the chosen concept is the best there is.
    const best = logo ?? chosen ?? model.concepts.at(-1);
    const svg = live ? model.drawing : undefined;
    figure.hidden = !svg && !best;
    waiting.hidden = !figure.hidden || !live;
    figure.dataset.final = String(!live && logo !== undefined);
    if (!figure.hidden) showPicture(drawing, svg, svg ? undefined : best, model);
    drawing.alt = !live && logo ? `Logo of ${model.title}` : "The drawing so far";
    setText(caption, live ? "As it is drawn" : logo ? "" : best ? "As far as it has come: a concept" : "");

    grow(variations, model.assets.filter(({ name }) => VARIATIONS[name]), (asset) => pictureItem(asset, model, VARIATIONS[asset.name]));
    grow(concepts, model.concepts, (concept) => pictureItem(concept, model, concept.title, concept.idea));
    model.concepts.forEach((concept, at) => { concepts.children[at].dataset.chosen = String(concept === chosen); });
    setText(choice, model.choice?.reason ?? "");
    showGuidelines(model.assets.find(({ name }) => name === "guidelines.html"));
    grow(files, model.assets, fileItem);
    zip.onclick = () => download(`/api/logos/${model.id}/artifacts.zip`, `${plainName(model.title)}.zip`);
    parts.variations.hidden = variations.children.length === 0;
    parts.concepts.hidden = model.concepts.length === 0;
    parts.files.hidden = model.assets.length === 0;
  }

  function pictureItem(picture, model, title, text = "") {
    const image = el("img", { alt: "" });
    showPicture(image, model.previews.get(picture.name), picture, model);
    return el("li", { "data-name": picture.name }, image, el("strong", { text: title }), text ? el("p", { class: "quiet", text }) : undefined);
  }

  /** From the preview, or where the page came too late for it, from the file. */
  function showPicture(image, svg, file, model) {
    const source = svg ?? model.previews.get(file.name) ?? file.url;
    if (pictures.get(image) === source) return;
    pictures.set(image, source);
    if (source !== file?.url) {
      image.src = pictureAddress(source);
      return;
    }
    readText(source).then(
      (text) => { if (pictures.get(image) === source) image.src = pictureAddress(text); },
      (problem) => setText(note, problem.message));
  }

  async function showGuidelines(file) {
    parts.guidelines.hidden = !file;
    if (!file || guidelinesShown === file.url) return;
    guidelinesShown = file.url;
    try {
      // Parsed, and never part of this page. The policy of this page would complain of its styles.
      const text = (await readText(file.url)).replaceAll(/<(style|svg)[\s>].*?<\/\1>/gs, "");
      const page = new DOMParser().parseFromString(text, "text/html");
      if (guidelinesShown !== file.url) return;
      guidelines.replaceChildren(...[...page.querySelectorAll("body > h2, body > p")]
        .map(({ localName, textContent }) => el(localName === "h2" ? "h4" : "p", { text: textContent })));
    } catch (problem) {
      setText(note, problem.message);
    }
  }

  function fileItem({ name, bytes, width, height, url }) {
    const size = [width && height ? `${width} × ${height}` : "", inKilobytes(bytes)].filter(Boolean).join(", ");
    return el("li", {},
      el("span", { class: "file-name", text: name }),
      el("span", { class: "quiet", text: size }),
      el("button", {
        type: "button", class: "button-quiet", "data-testid": "logo-download", "aria-label": `Download ${name}`, text: "Download",
        on: { click: () => download(url, name) },
      }));
  }

  /** With the token, which a link cannot send. */
  async function download(url, name) {
    setText(note, "");
    try {
      await downloadFile(url, name);
    } catch (problem) {
      setText(note, problem.message);
    }
  }

  function newest({ assets, concepts: made, status }) {
    if (!isLive(status)) return undefined;
    if (assets.length > 0) return `${assets.at(-1).name} is ready.`;
    return made.length > 0 ? `Concept ${made.length}: ${made.at(-1).title}` : undefined;
  }

  return { element, update, newest };
}

function part(heading, ...content) {
  return el("section", { class: "logo-part", hidden: true }, el("h3", { class: "component-heading", text: heading }), ...content);
}

const SHOWN = Symbol("what an item shows");

/** Makes an item for each that is new, or has become another. */
function grow(list, items, make) {
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach((item, at) => {
    const present = list.children[at];
    if (present?.[SHOWN] === item.url) return;
    const made = make(item);
    made[SHOWN] = item.url;
    if (present) present.replaceWith(made);
    else list.append(made);
  });
}

function pictureAddress(svg) {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

function inKilobytes(bytes) {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
}

function plainName(title) {
  return title.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "").toLowerCase() || "logo";
}
