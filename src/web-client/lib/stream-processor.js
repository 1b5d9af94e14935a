// The way in: one stream after the other, watched to its end.

import { Reading } from "./reading.js";
import { Watch } from "./watch.js";

/** @typedef {import("./sse-parser.js").SseEvent} SseEvent */
/** @typedef {import("./problem.js").StreamProblem} StreamProblem */
/** @typedef {import("./session-state.js").SessionState} SessionState */
/** @typedef {import("./messages.js").Message} Message */
/** @typedef {import("./messages.js").State} State */

/**
 * @callback GetToken
 * @param {boolean} renew true after the last one was refused (401): a new one is wanted, and waited for
 * @param {StreamProblem} [refusal] why it was refused
 * @returns {string | undefined | Promise<string | undefined>}
 */

/** @typedef {"connecting" | "live" | "shared" | "reconnecting" | "polling" | "ended"} Connection */

/**
 * @typedef {object} StreamOptions
 * @property {"fetch" | "eventsource"} [transport] default `fetch`
 * @property {"start" | "state"} [from] `start` (default): every message from the first one on; `state`: what there is
 *   already comes as one state, and messages are those after it
 * @property {string} [lastEventId] messages after this one; wins over `from`
 * @property {GetToken} [getToken] bearer token of every request; with `eventsource` it pays for a ticket
 * @property {boolean | string} [share] one connection for all tabs of this origin. Default true where there are Web Locks
 *   and BroadcastChannel, and no `getToken`: with tokens give a text that names the user, so that users stay apart
 * @property {string} [stateUrl] where the state is read; default: what belongs to `/api/stream/{kind}/{id}`
 * @property {number} [openTimeoutMs] until the headers of a stream must be there; default 10,000
 * @property {number} [silenceMs] without even a heartbeat, after which a connection is dead; default 25,000
 * @property {number} [failuresMax] connections in a row that fail or do not last 10 s before it polls; default 5
 * @property {number} [waitSeconds] that a poll lets the service wait for news; default 20
 * @property {number} [probeMs] of polling before the stream is tried again; doubles up to 300,000; default 20,000
 * @property {typeof fetch} [fetch]
 * @property {typeof EventSource} [EventSource]
 */

/**
 * What one is told. `state` is what is known after the message; it is the same object each time.
 * @typedef {(message: Message, state: SessionState) => void} Listener
 *
 * @typedef {object} StreamCallbacks
 * @property {Listener} [onStart]
 * @property {Listener} [onStatus]
 * @property {Listener} [onProgress]
 * @property {Listener} [onChunk]
 * @property {Listener} [onArtifact]
 * @property {Listener} [onPreview]
 * @property {Listener} [onStageComplete]
 * @property {Listener} [onComplete] once, when it has completed, before `onEnd`; with the `result` message if there is one
 * @property {(error: Message | StreamProblem, state: SessionState) => void} [onError] why it failed: the message, or the
 *   problem for which it cannot be read
 * @property {Listener} [onWarning]
 * @property {Listener} [onInfo]
 * @property {Listener} [onCache]
 * @property {Listener} [onEnd] once, the last one
 * @property {Listener} [onHeartbeat]
 * @property {Listener} [onMessage] every message, of known and unknown types
 * @property {(state: SessionState) => void} [onUpdate] after each message and each state that was read
 * @property {(connection: Connection) => void} [onConnection]
 */

export class StreamProcessor {
  /** @type {StreamOptions} */ #options;
  /** @type {Watch | undefined} */ #watch;
  /** @type {Reading | undefined} */ #reading;

  /** @param {StreamOptions} [options] */
  constructor(options = {}) {
    this.#options = options;
  }

  /** What is known of the session of the last `processStream`; undefined before. */
  get state() {
    return this.#reading?.state;
  }

  /** @returns {Connection | undefined} */
  get connection() {
    return this.#reading?.connection;
  }

  /**
   * Watches a stream to its end. One stream at a time: a second call ends the first.
   * @param {string | URL | Response | ReadableStream} source an address is reconnected to whenever it is cut; so is the
   *   address of a response, if it is one of a stream; a bare `ReadableStream` cannot be
   * @param {StreamCallbacks} [callbacks]
   * @param {RequestInit} [requestInit] headers, credentials, …; its `signal` ends the watching. No method and no
   *   body: of a POST that is answered with a stream, give the `Response`
   * @returns {Promise<SessionState>} as it is after `end`, whether it completed, failed or was cancelled
   * @throws {StreamProblem} it cannot be read: no such session, no access; `onError` has been told
   */
  async processStream(source, callbacks = {}, requestInit = {}) {
    this.close();
    const reading = this.#reading = new Reading(callbacks);
    this.#watch = new Watch(reading, this.#options, requestInit);
    await this.#watch.run(source);
    return reading.state;
  }

  /** Stops watching; what runs at the service goes on. */
  close() {
    this.#watch?.close();
  }
}
