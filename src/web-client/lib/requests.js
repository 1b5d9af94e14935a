// Everything that goes to the service: states, tickets, and the two ways of reading a stream.

import { problemOf } from "./problem.js";
import { SseParser } from "./sse-parser.js";

/** @typedef {import("./sse-parser.js").SseEvent} SseEvent */
/** @typedef {import("./messages.js").State} State */

/**
 * @typedef {object} StreamHandlers
 * @property {() => void} onOpen the headers are there
 * @property {(event: SseEvent) => void} onEvent
 * @property {(ms: number) => void} onRetry `retry:` of the server
 * @property {() => void} onLost an EventSource was cut: it reconnects by itself, or has given up
 */

/** What a stream's address says about its session, or its sessions. */
const STREAM = /^(.*)\/api\/stream(?:\/([^/?#]+)\/([^/?#]+)|\?ids=([^&#]+))/;

/**
 * @param {string} url of a stream
 * @returns {string | undefined} where its state is; undefined if it is not the stream of one session of this service
 */
export function stateUrlOf(url) {
  const [, base, kind, id] = STREAM.exec(url) ?? [];
  // ideations, analyses
  return id && `${base}/api/${kind.replace(/is$/, "e")}s/${id}`;
}

export class Requests {
  #options;
  #init;

  /**
   * @param {{ getToken?: import("./stream-processor.js").GetToken, fetch?: typeof fetch, EventSource?: typeof EventSource }} options
   * @param {RequestInit} init headers, credentials and the like of every request
   */
  constructor(options, init) {
    this.#options = options;
    this.#init = init;
  }

  /**
   * Reads a state.
   * @param {string} url
   * @param {{ after?: string, etag?: string | null, waitSeconds?: number, signal: AbortSignal }} how
   * @returns {Promise<{ state: State, etag: string | null } | undefined>} undefined: unchanged
   */
  async readState(url, { after, etag, waitSeconds, signal }) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (etag) headers["If-None-Match"] = etag;
    if (waitSeconds) headers.Prefer = `wait=${waitSeconds}`;
    const response = await this.#send(after ? withQuery(url, "after", after) : url, { headers, signal });
    if (response.status === 304) return undefined;
    if (!response.ok) throw await problemOf(response);
    return { state: await response.json(), etag: response.headers.get("ETag") };
  }

  /**
   * Reads a stream until it is cut.
   * @param {string} url
   * @param {string | undefined} cursor
   * @param {AbortSignal} signal ends it; the promise is then rejected
   * @param {StreamHandlers} handlers
   * @returns {Promise<boolean>} true if there is nothing to come (204)
   */
  async fetchStream(url, cursor, signal, handlers) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/event-stream" };
    if (cursor) headers["Last-Event-ID"] = cursor;
    return readAnswer(await this.#send(url, { headers, signal }), signal, handlers);
  }

  /**
   * The same with an `EventSource`, which shows no status: its promise is fulfilled when it has given up.
   * @param {string} url
   * @param {string | undefined} cursor
   * @param {AbortSignal} signal
   * @param {StreamHandlers} handlers
   * @returns {Promise<void>}
   */
  async eventSourceStream(url, cursor, signal, handlers) {
    let address = await this.#options.getToken?.(false) ? withQuery(url, "ticket", await this.#ticket(url, signal)) : url;
    if (cursor) address = withQuery(address, "lastEventId", cursor);
    const Source = this.#options.EventSource ?? EventSource;
    const source = new Source(address, { withCredentials: this.#init.credentials === "include" });
    try {
      return await new Promise((resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
        source.onopen = handlers.onOpen;
        source.onmessage = ({ data, lastEventId }) => handlers.onEvent({ event: "", data, id: lastEventId });
        source.onerror = () => {
          handlers.onLost();
          if (source.readyState === 2) resolve();
        };
      });
    } finally {
      source.close();
    }
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @returns {Promise<string>}
   */
  async #ticket(url, signal) {
    const [, base = "", kind, id, ids] = STREAM.exec(url) ?? [];
    const response = await this.#send(`${base}/api/stream-tickets`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(ids ? { ids: ids.split(",") } : { kind, id }),
      signal,
    });
    if (!response.ok) throw await problemOf(response);
    return (await response.json()).ticket;
  }

  /**
   * With a token, if there are tokens; one that was refused is renewed once.
   * @param {string} url
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async #send(url, init) {
    const { getToken, fetch = globalThis.fetch } = this.#options;
    /** @type {import("./problem.js").StreamProblem | undefined} */ let refusal;
    for (;;) {
      const headers = new Headers(this.#init.headers);
      new Headers(init.headers).forEach((value, name) => headers.set(name, value));
      const token = await getToken?.(!!refusal, refusal);
      if (token) headers.set("Authorization", `Bearer ${token}`);
      const response = await fetch(url, { cache: "no-store", ...this.#init, ...init, headers });
      if (response.status !== 401 || !getToken || refusal) return response;
      refusal = await problemOf(response);
    }
  }
}

/**
 * Reads an answer until it is cut.
 * @param {Response | ReadableStream<any>} answer
 * @param {AbortSignal} signal ends it, and must in the end; the promise is then rejected
 * @param {StreamHandlers} handlers
 * @returns {Promise<boolean>} true if there is nothing to come (204)
 */
export async function readAnswer(answer, signal, { onOpen, onEvent, onRetry }) {
  if (answer instanceof Response) {
    if (answer.status === 204) return true;
    // A captive portal answers with a page, and 200.
    if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) throw await problemOf(answer);
  }
  const reader = (answer instanceof Response ? /** @type {ReadableStream<any>} */ (answer.body) : answer).getReader();
  const parser = new SseParser((event) => {
    // The rest of a piece of which something was not wanted any more.
    if (!signal.aborted) onEvent(event);
  }, onRetry);
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
  onOpen();
  while (!signal.aborted) {
    const { done, value } = await reader.read();
    if (done) break;
    parser.feed(value);
  }
  signal.throwIfAborted();
  return false;
}

/**
 * @param {string} url
 * @param {string} name
 * @param {string} value
 */
function withQuery(url, name, value) {
  return `${url}${url.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
}
