// What is known of one session, from the messages and states that were read of it: proves that nothing is missing between
// them, and tells the callbacks.

import { indexAfter, isEnded } from "./messages.js";
import { SessionState } from "./session-state.js";

/** @typedef {import("./messages.js").Message} Message */
/** @typedef {import("./messages.js").State} State */
/** @typedef {import("./stream-processor.js").StreamCallbacks} StreamCallbacks */
/** @typedef {import("./stream-processor.js").Connection} Connection */

/** Types whose names are those of callbacks that are about something else. */
const NOT_BY_TYPE = /^(message|update|connection|complete|result|end)$/i;

export class Reading {
  state = new SessionState();
  /** @type {string | undefined} */ cursor;
  /** @type {number | undefined} index of the next message, if that is known */ next = 0;
  /** @type {Connection | undefined} */ connection;
  /** @type {Message | undefined} */ #result;
  #callbacks;

  /** @param {StreamCallbacks} callbacks */
  constructor(callbacks) {
    this.#callbacks = callbacks;
  }

  get isEnded() {
    return this.state.isEnded;
  }

  /** @param {string | undefined} eventId */
  goOnAfter(eventId) {
    this.cursor = eventId;
    this.next = indexAfter(eventId);
  }

  /**
   * Whether a message is the next one. What cannot be read, or was read before, is passed over.
   * @param {{ data: string, id: string }} event
   * @returns {Message | "gap" | undefined}
   */
  accept({ data, id }) {
    const message = parse(data);
    // What cannot be read is missing, and the index of the next message shows that.
    return message && this.check(message, id);
  }

  /**
   * @param {Message} message
   * @param {string} id
   * @returns {Message | "gap" | undefined}
   */
  check(message, id) {
    const { index, first = index } = message;
    if (index !== undefined) {
      if (this.next !== undefined) {
        if (index < this.next) return undefined;
        if (first !== this.next) return "gap";
      }
      this.next = index + 1;
      this.cursor = this.state.lastEventId = id || this.cursor;
    } else if (message.reset) {
      this.goOnAfter(undefined);
      this.#result = undefined;
      this.state.reset();
    }
    return message;
  }

  /** @param {Message} message that was accepted */
  tell(message) {
    const { type } = message;
    if (type !== "end") this.state.apply(message);
    this.call("onMessage", message);
    if (!NOT_BY_TYPE.test(type)) this.call(nameOf(type), message);
    if (type === "result") this.#result = message;
    if (type === "end") this.finish(message);
    else this.#update();
  }

  /**
   * Takes a state over.
   * @param {State} state
   * @param {string | undefined} after what its chunks follow
   */
  adopt(state, after) {
    const { progress } = this.state;
    // Messages may have come meanwhile, through another tab.
    if (after !== this.cursor) return;
    if (after === state.lastEventId && this.state.session && !isEnded(state.status)) return;
    const chunks = this.state.read(state, after !== undefined);
    this.goOnAfter(state.lastEventId);
    for (const chunk of chunks) this.call("onChunk", chunk);
    if (this.state.progress !== progress) {
      const { stage, statusText: label } = this.state;
      this.call("onProgress", { type: "progress", stage, progress: this.state.progress, label });
    }
    if (state.error) this.call("onError", { type: "error", ...state.error });
    if (this.isEnded) {
      this.#result ??= { type: "result", ...state };
      this.finish({ type: "end", status: state.status, timestamp: this.state.endedAt });
    } else this.#update();
  }

  /** @param {Message} end */
  finish(end) {
    this.state.apply(end);
    if (this.state.status === "completed") this.call("onComplete", this.#result ?? end);
    this.call("onEnd", end);
    this.#update();
  }

  /** @param {Connection} connection */
  connect(connection) {
    if (connection === this.connection) return;
    this.connection = connection;
    this.call("onConnection", connection);
  }

  #update() {
    this.call("onUpdate", this.state);
  }

  /**
   * @param {string} name
   * @param {any} news
   */
  call(name, news) {
    try {
      /** @type {any} */ (this.#callbacks)[name]?.(news, this.state);
    } catch (fault) {
      // The page's fault must not cost it the stream.
      (globalThis.reportError ?? console.error)(fault);
    }
  }
}

/** @param {string} type as in `stage_complete` */
function nameOf(type) {
  return `on${type.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase())}`;
}

/**
 * @param {string} data
 * @returns {Message | undefined}
 */
function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" && !(message.index % 1) ? message : undefined;
  } catch {
    return undefined;
  }
}
