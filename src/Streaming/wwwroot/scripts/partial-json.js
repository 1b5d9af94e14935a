// Reads JSON that a model is still writing: what is open at the end of the text counts as closed
// there. Chatter before and after and code fences are stepped over. Never throws.

const DEPTH_MAX = 64; // nesting beyond this is no answer of a model; it would only eat the stack

// "[5]" or "{name}" in a sentence is not the start of an answer: what follows the bracket decides.
const START = /\{(?=\s*(?:["}]|$))|\[(?=\s*(?:[[{"\]]|$))/g;
const SPACE = /\s*/y;
const PLAIN = /[^"\\]*/y;
const SCALAR = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPES = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** The object or array in `text` as far as it is written, or undefined if there is none. */
export function parsePartialJson(text) {
  let empty;
  for (const { index } of text.matchAll(START)) {
    const value = new PartialReader(text, index).readValue(0);
    if (value === undefined) continue;
    if (Object.keys(value).length > 0) return value;
    empty ??= value;
  }
  return empty;
}

class PartialReader {
  #text;
  #at;
  #stopped = false; // met something that is not JSON: everything read until there is the value

  constructor(text, at) {
    this.#text = text;
    this.#at = at;
  }

  readValue(depth) {
    if (depth > DEPTH_MAX) return this.#stop();
    this.#match(SPACE);
    switch (this.#text[this.#at]) {
      case "{": return this.#readObject(depth);
      case "[": return this.#readArray(depth);
      case '"': return this.#readString().value;
      default: return this.#readScalar();
    }
  }

  #readObject(depth) {
    const object = Object.create(null); // a model may name a member __proto__
    this.#at++;
    while (this.#more("}")) {
      if (this.#text[this.#at] !== '"') { this.#stop(); break; }
      const key = this.#readString();
      this.#match(SPACE);
      if (!key.closed || this.#text[this.#at] !== ":") { this.#stop(); break; }
      this.#at++;
      const value = this.readValue(depth + 1);
      if (value !== undefined) object[key.value] = value;
    }
    return object;
  }

  #readArray(depth) {
    const array = [];
    this.#at++;
    while (this.#more("]")) {
      const value = this.readValue(depth + 1);
      if (value !== undefined) array.push(value);
    }
    return array;
  }

  /** Steps to the next member; false when the container is closed or the text is at its end. */
  #more(closing) {
    while (!this.#stopped && this.#at < this.#text.length) {
      this.#match(SPACE);
      const next = this.#text[this.#at];
      if (next === closing) { this.#at++; return false; }
      if (next !== ",") return next !== undefined;
      this.#at++;
    }
    return false;
  }

  #readString() {
    let value = "";
    this.#at++;
    while (this.#at < this.#text.length) {
      value += this.#match(PLAIN);
      if (this.#text[this.#at] === '"') { this.#at++; return { value, closed: true }; }
      value += this.#readEscape();
    }
    return { value: withoutHalfPair(value), closed: false };
  }

  #readEscape() {
    const letter = this.#text[this.#at + 1];
    if (letter !== "u") {
      this.#at += 2;
      return letter === undefined ? "" : ESCAPES[letter] ?? letter;
    }
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    this.#at += 6;
    return /^[0-9a-f]{4}$/i.test(digits) ? String.fromCharCode(parseInt(digits, 16)) : "";
  }

  #readScalar() {
    const scalar = this.#match(SCALAR);
    return scalar ? JSON.parse(scalar) : this.#stop();
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #stop() {
    this.#stopped = true;
    return undefined;
  }
}

/** The first half of a surrogate pair alone would flash as a replacement character. */
function withoutHalfPair(value) {
  return /[\uD800-\uDBFF]$/.test(value) ? value.slice(0, -1) : value;
}
