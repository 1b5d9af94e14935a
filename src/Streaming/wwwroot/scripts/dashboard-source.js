// The stream of the status: a plain EventSource, opened with a ticket where the service wants tokens, and opened anew when
// the browser gives up, or when nothing has come for a while.

import { statusTicket } from "./api.js";
import { currentToken } from "./token.js";

const SILENCE_MS = 25_000;
const AGAIN_MS = 2_000;

export class StatusSource {
  #handlers;
  #source;
  #cursor;
  #watch;

  /** `onState("live" | "reconnecting")`, `onFigures(now)`, `onHistory(history, isReset)`, `onProblem(problem)`. */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Goes on after the moment of this point, or with all of the last hour. */
  open(after) {
    this.#cursor = after === undefined ? undefined : String(new Date(after).getTime());
    this.#connect();
  }

  async #connect() {
    this.#source?.close();
    this.#handlers.onState("reconnecting");
    // Also when the connection cannot be made at all.
    this.#expectSoon();
    try {
      const query = new URLSearchParams();
      if (this.#cursor) query.set("lastEventId", this.#cursor);
      if (currentToken() !== undefined) query.set("ticket", await statusTicket());
      const source = this.#source = new EventSource(`/api/v1/status/stream?${query}`);
      source.onmessage = (event) => this.#receive(event);
      source.onerror = () => {
        this.#handlers.onState("reconnecting");
        // A ticket ends some time, and a proxy may answer with something else.
        if (source.readyState === EventSource.CLOSED) this.#connectIn(AGAIN_MS);
      };
    } catch (problem) {
      if (problem.status === 0 || problem.status === 429 || problem.status >= 500) {
        this.#connectIn(AGAIN_MS);
      } else {
        clearTimeout(this.#watch);
        this.#handlers.onProblem(problem);
      }
    }
  }

  #receive(event) {
    const message = JSON.parse(event.data);
    if (event.lastEventId) this.#cursor = event.lastEventId;
    this.#expectSoon();
    if (message.type === "history") this.#handlers.onHistory(message.history, message.reset);
    else if (message.type === "figures") {
      this.#handlers.onState("live");
      this.#handlers.onFigures(message.now);
    }
  }

  #expectSoon() {
    this.#connectIn(SILENCE_MS);
  }

  #connectIn(ms) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#connect(), ms);
  }
}
