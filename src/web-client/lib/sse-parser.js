// Server-Sent Events, by the letter of the WHATWG HTML standard (9.2.5, 9.2.6). Bytes in, events out.

const LINE_END = /\r\n?|\n/g;

/**
 * @typedef {object} SseEvent
 * @property {string} event its name; empty for an unnamed one
 * @property {string} data its `data:` lines, joined with LF
 * @property {string} id the last event id that was seen up to here; empty if there was none
 */

export class SseParser {
  /** A byte order mark is dropped, and a character may be split between two pieces. */
  #decoder = new TextDecoder();
  #line = "";
  #endedInCr = false;
  #data = "";
  #event = "";
  #id;
  #onEvent;
  #onRetry;

  /**
   * @param {(event: SseEvent) => void} onEvent called for each complete event; one that was cut off is never one
   * @param {(ms: number) => void} [onRetry] called for each valid `retry:`
   * @param {string} [lastEventId] what an event without an id of its own has, until there is one
   */
  constructor(onEvent, onRetry, lastEventId = "") {
    this.#onEvent = onEvent;
    this.#onRetry = onRetry;
    this.#id = lastEventId;
  }

  /** @param {Uint8Array | string} piece as it came; cut anywhere */
  feed(piece) {
    let text = typeof piece === "string" ? piece : this.#decoder.decode(piece, { stream: true });
    if (!text) return;
    // A CR ends its line at once, so that its event need not wait for the next piece, which may begin with its LF.
    if (this.#endedInCr && text[0] === "\n") text = text.slice(1);
    this.#endedInCr = text.endsWith("\r");
    let start = 0;
    for (const end of text.matchAll(LINE_END)) {
      this.#take(this.#line + text.slice(start, end.index));
      this.#line = "";
      start = /** @type {number} */ (end.index) + end[0].length;
    }
    this.#line += text.slice(start);
  }

  /** @param {string} line */
  #take(line) {
    if (!line) return this.#dispatch();
    // A comment has an empty name.
    const [, field, value] = /** @type {RegExpExecArray} */ (/^([^:]*):? ?(.*)$/s.exec(line));
    if (field === "data") this.#data += `${value}\n`;
    else if (field === "event") this.#event = value;
    else if (field === "id") {
      if (!value.includes("\0")) this.#id = value;
    } else if (field === "retry" && /^\d+$/.test(value)) this.#onRetry?.(Number(value));
  }

  #dispatch() {
    const [data, event] = [this.#data, this.#event];
    this.#data = this.#event = "";
    if (data) this.#onEvent({ event, data: data.slice(0, -1), id: this.#id });
  }
}
