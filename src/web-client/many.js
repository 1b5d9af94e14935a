// Several sessions on one connection, as docs/protocol.md has it: each of them with a state of its own.

import { Reading } from "./lib/reading.js";
import { Watch } from "./lib/watch.js";

/** @typedef {import("./lib/messages.js").Message} Message */
/** @typedef {import("./lib/session-state.js").SessionState} SessionState */

/**
 * What one is told. Those of `StreamCallbacks` are told of every session, with its state.
 * @typedef {import("./lib/stream-processor.js").StreamCallbacks & { onDeleted?: (message: Message) => void }} ManyCallbacks
 */

/** A reading for each session; the cursor is that of the connection. */
class Readings extends Reading {
  /** @type {Map<string, Reading>} */ #readings;
  /** @type {Set<string>} */ #deleted = new Set();

  /**
   * @param {string[]} ids
   * @param {ManyCallbacks} callbacks
   */
  constructor(ids, callbacks) {
    super(callbacks);
    this.#readings = new Map(ids.map((id) => [id, new Reading({ ...callbacks, onConnection: undefined })]));
    for (const [id, { state }] of this.#readings) state.id = id;
  }

  get states() {
    return [...this.#readings.values()].map(({ state }) => state);
  }

  /** @override */
  get isEnded() {
    return [...this.#readings].every(([id, { isEnded }]) => isEnded || this.#deleted.has(id));
  }

  /**
   * @override
   * @param {string | undefined} cursor
   */
  goOnAfter(cursor) {
    this.cursor = cursor;
  }

  /**
   * @override
   * @param {Message} message
   * @param {string} id
   * @returns {Message | "gap" | undefined}
   */
  check(message, id) {
    const reading = this.#readings.get(message.sessionId ?? "");
    const checked = reading ? reading.check(message, id) : message;
    if (checked && checked !== "gap") this.cursor = id || this.cursor;
    return checked;
  }

  /**
   * @override
   * @param {Message} message
   */
  tell(message) {
    const { sessionId = "", code } = message;
    if (code === "deleted") {
      this.#deleted.add(sessionId);
      this.call("onDeleted", message);
    } else this.#readings.get(sessionId)?.tell(message);
  }
}

/**
 * Watches several sessions to the end of all.
 * @param {string[]} ids of any kind, none twice; as many as the service allows, 50 if nothing else is configured
 * @param {ManyCallbacks} [callbacks]
 * @param {import("./lib/stream-processor.js").StreamOptions & { baseUrl?: string }} [options] `from`, `share` and what is
 *   about polling is of no effect; `baseUrl` of the service: default this origin
 * @param {RequestInit} [requestInit] headers, credentials, …; its `signal` ends the watching
 * @returns {Promise<SessionState[]>} in the order of the ids
 * @throws {import("./lib/problem.js").StreamProblem} one of them is not there
 */
export async function watchMany(ids, callbacks = {}, { baseUrl = "", ...options } = {}, requestInit = {}) {
  const readings = new Readings(ids, callbacks);
  await new Watch(readings, options, requestInit).run(`${baseUrl}/api/stream?ids=${ids}`);
  return readings.states;
}
