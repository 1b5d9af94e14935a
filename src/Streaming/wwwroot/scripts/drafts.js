// What the reader can already see of a result whose text is still being written.

import { parsePartialJson } from "./partial-json.js";

const COMPONENT_NAMES = ["title", "genre", "sellingPoints", "setting", "synopsis", "characters", "stages"];

/**
 * The ideas in the model's text so far, finished ones included, or the text itself as `plain`
 * if it is no JSON.
 */
export function draftIdeas(text) {
  const value = parsePartialJson(text);
  if (value === undefined) return { ideas: [], plain: withoutFence(text) };
  const ideas = ideasIn(value);
  if (ideas) return { ideas };
  return { ideas: [], plain: Object.keys(value).length > 0 ? text : "" };
}

/** The outline's components in the texts of all stages so far, and what is no JSON as `plain`. */
export function draftComponents(texts) {
  const components = {};
  let plain = "";
  for (const [stage, text] of texts) {
    const value = parsePartialJson(text);
    if (value === undefined) plain = withoutFence(text);
    else if (Array.isArray(value)) components[stage] = value;
    else takeComponents(value, components);
  }
  return { components, plain };
}

function ideasIn(value) {
  const list = Array.isArray(value) ? value : value.ideas ?? Object.values(value).find(isListOfObjects);
  if (Array.isArray(list)) return list.filter(isObject);
  return "title" in value ? [value] : undefined;
}

function takeComponents(value, components) {
  for (const name of COMPONENT_NAMES) {
    if (name in value) components[name] = value[name];
  }
}

function isListOfObjects(value) {
  return Array.isArray(value) && value.some(isObject);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function withoutFence(text) {
  return text.replace(/^\s*`{1,3}\w*\s*/, "").trimEnd();
}
