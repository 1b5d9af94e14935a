// Up to five genres with sliders. The sliders are weights; what is shown and sent are their
// shares in whole percent, which always add up to 100.

import { el, setText } from "./dom.js";

const ROWS_MAX = 5;
const SUGGESTIONS = [
  "Action", "Comedy", "Drama", "Drama / Romance", "Fantasy", "Historical", "Horror",
  "Mystery", "Romance", "Science fiction", "Slice of life", "Thriller",
];

export function genreRows() {
  const list = el("ul", { class: "genre-rows" });
  const add = el("button", {
    type: "button", class: "button-quiet", text: "Add a genre", on: { click: () => addRow(true) },
  });
  const element = el("div", { class: "genres" },
    list,
    el("datalist", { id: "genre-suggestions" }, ...SUGGESTIONS.map((value) => el("option", { value }))),
    add);
  const rows = [];

  function addRow(focus) {
    const row = genreRow(update, () => removeRow(row));
    rows.push(row);
    list.append(row.element);
    update();
    if (focus) row.name.focus();
  }

  function removeRow(row) {
    rows.splice(rows.indexOf(row), 1);
    row.element.remove();
    update();
    add.focus();
  }

  function update() {
    const named = rows.filter(({ path }) => path().length > 0);
    const shares = sharesOf(named.map(({ weight }) => Number(weight.value)));
    for (const row of rows) row.showShare(shares[named.indexOf(row)]);
    add.hidden = rows.length >= ROWS_MAX;
    return { named, shares };
  }

  addRow(false);
  return {
    element,
    /** Paths and proportions as they were asked for. */
    fill(paths, proportions) {
      paths.slice(0, ROWS_MAX).forEach((path, at) => {
        if (at > 0) addRow(false);
        rows[at].name.value = [path].flat().join(" / ");
        if (proportions[at] !== undefined) rows[at].weight.value = proportions[at];
      });
      update();
    },
    read() {
      const { named, shares } = update();
      return { genrePaths: named.map(({ path }) => path()), genreProportions: shares };
    },
  };
}

function genreRow(onChange, onRemove) {
  const name = el("input", {
    type: "text", name: "genre", list: "genre-suggestions", maxlength: "80", autocomplete: "off",
    placeholder: "Drama / Romance", "aria-label": "Genre", on: { input: onChange },
  });
  const weight = el("input", {
    type: "range", name: "proportion", min: "1", max: "100", value: "50", "aria-label": "Proportion",
    on: { input: onChange },
  });
  const share = el("output", { class: "share" });
  const remove = el("button", {
    type: "button", class: "button-icon", "aria-label": "Remove this genre", text: "×", on: { click: onRemove },
  });
  return {
    element: el("li", { class: "genre-row" }, name, weight, share, remove),
    name,
    weight,
    path: () => name.value.split("/").map((segment) => segment.trim()).filter(Boolean),
    showShare(percent) {
      const text = percent === undefined ? "–" : `${percent}%`;
      setText(share, text);
      weight.disabled = percent === undefined;
      weight.setAttribute("aria-valuetext", text);
    },
  };
}

/** Largest remainder: rounds so that the sum stays 100. */
function sharesOf(weights) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const exact = weights.map((weight) => (weight / sum) * 100);
  const shares = exact.map(Math.floor);
  const missing = weights.length === 0 ? 0 : 100 - shares.reduce((total, share) => total + share, 0);
  exact
    .map((value, at) => ({ at, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest)
    .slice(0, missing)
    .forEach(({ at }) => shares[at]++);
  return shares;
}
