// A chart of lines over time, as SVG: axes with units, gaps where there is no point, the values in words for those who do
// not see it, and those of any moment under the pointer.

import { el, setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 168;
const TOP = 10;
const BOTTOM = 22;
const LEFT = 58;
const RIGHT = 10;
const MINUTE_MS = 60_000;
// A point may be late by as much before the line counts as broken.
const GAP = 1.6;
const TICKS = 3;
const TICKS_OF_FIXED = 4;

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** `series` are [key of the points, label]; `max` fixes the top of the scale, `whole` keeps its steps whole. */
export function lineChart({ id, title, unit, format, series, max, whole }) {
  const legend = el("ul", { class: "legend" });
  const values = series.map(([, label], index) => {
    const value = el("b", { "data-testid": `chart-${id}-${index}` });
    legend.append(el("li", { class: `series-${index}` }, el("span", { class: "swatch", "aria-hidden": "true" }), `${label} `, value));
    return value;
  });
  const moment = el("span", { class: "chart-moment" });
  const svg = svgEl("svg", { role: "img", height: HEIGHT, "data-testid": `chart-${id}` });
  const element = el("figure", { class: "panel chart" },
    el("figcaption", {}, el("h3", { text: title }), el("span", { class: "quiet", text: unit }), moment), legend, svg);
  let drawn;
  let pointed;

  function draw(points, scale) {
    drawn = { points, scale };
    const width = svg.clientWidth || 320;
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const top = topOf(points);
    const x = (at) => LEFT + ((at - scale.from) / (scale.to - scale.from)) * (width - LEFT - RIGHT);
    const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
    const parts = [];
    const ticks = max === undefined ? TICKS : TICKS_OF_FIXED;
    for (let step = 0; step <= ticks; step++) {
      const value = (top / ticks) * step;
      parts.push(svgEl("line", { class: step === 0 ? "axis" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
        svgEl("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)));
    }
    const every = (width < 420 ? 20 : 15) * MINUTE_MS;
    for (let at = Math.ceil(scale.from / every) * every; at <= scale.to; at += every) {
      parts.push(svgEl("line", { class: "axis", x1: x(at), x2: x(at), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
        svgEl("text", { class: "tick", x: Math.min(x(at), width - 20), y: HEIGHT - 5, "text-anchor": "middle" }, time.format(at)));
    }
    series.forEach(([key], index) => {
      for (const piece of piecesOf(points, key, GAP * scale.intervalMs)) {
        const path = piece.map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
        if (piece.length > 1) parts.push(svgEl("path", { class: `line series-${index}`, d: path }));
        else parts.push(svgEl("circle", { class: `dot series-${index}`, cx: x(piece[0][0]), cy: y(piece[0][1]), r: 1.8 }));
      }
    });
    if (pointed !== undefined) {
      const point = nearest(points, scale.from + ((pointed - LEFT) / (width - LEFT - RIGHT)) * (scale.to - scale.from));
      if (point) {
        parts.push(svgEl("line", { class: "cursor", x1: x(point.time), x2: x(point.time), y1: TOP, y2: HEIGHT - BOTTOM }));
        tell(point);
      }
    } else tell(points.at(-1));
    svg.replaceChildren(...parts);
    svg.setAttribute("aria-label", inWords(points));
  }

  function tell(point) {
    // Not every figure is known at the very moment: then its last one.
    const known = (key) => pointed === undefined ? drawn.points.findLast((one) => isKnown(one[key])) : point;
    series.forEach(([key], index) => setText(values[index], format(known(key)?.[key])));
    setText(moment, pointed !== undefined && point ? time.format(point.time) : "");
  }

  function topOf(points) {
    if (max !== undefined) return max;
    const highest = Math.max(0, ...series.flatMap(([key]) => points.map((point) => point[key] ?? 0)));
    return roundUp(highest, whole);
  }

  function inWords(points) {
    return `${title}, ${unit}, last hour. ` + series.map(([key, label]) => {
      const present = points.filter((point) => isKnown(point[key]));
      if (present.length === 0) return `${label}: no values.`;
      const highest = present.reduce((most, point) => point[key] > most[key] ? point : most);
      return `${label}: now ${format(present.at(-1)[key])}, highest ${format(highest[key])} at ${time.format(highest.time)}.`;
    }).join(" ");
  }

  function redraw() {
    if (drawn) draw(drawn.points, drawn.scale);
  }

  svg.addEventListener("pointermove", (event) => {
    pointed = event.clientX - svg.getBoundingClientRect().left;
    redraw();
  });
  for (const type of ["pointerleave", "pointercancel"]) svg.addEventListener(type, () => {
    pointed = undefined;
    redraw();
  });
  new ResizeObserver(redraw).observe(svg);
  return { element, draw };
}

/** A top that divides into round steps: 1, 1.5, 2, 3, 6 times a power of ten. */
function roundUp(highest, whole) {
  if (highest <= 0) return whole ? TICKS : 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const top = [1.5, 3, 6, 9, 12].map((factor) => factor * power).find((candidate) => candidate >= highest) ?? 15 * power;
  return whole ? Math.max(TICKS, Math.ceil(top / TICKS) * TICKS) : top;
}

/** The stretches without a gap, as [time, value]. */
function piecesOf(points, key, gapMs) {
  const pieces = [];
  let last;
  for (const point of points) {
    const value = point[key];
    if (!isKnown(value)) {
      last = undefined;
      continue;
    }
    if (last === undefined || point.time - last > gapMs) pieces.push([]);
    pieces.at(-1).push([point.time, value]);
    last = point.time;
  }
  return pieces;
}

function isKnown(value) {
  return value !== null && value !== undefined;
}

function nearest(points, at) {
  return points.reduce((best, point) => !best || Math.abs(point.time - at) < Math.abs(best.time - at) ? point : best, undefined);
}

function svgEl(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
