// Follows a session by reading its state again and again: the fallback where no event stream
// gets through. The server holds each request until there is news.

import { readStateAfter } from "./api.js";
import { backoffMs } from "./backoff.js";

const WAIT_SECONDS = 25;
const PERIOD_MS_MIN = 500; // a server that ignores Prefer: wait must not be hammered

export class StatePoll {
  #abort = new AbortController();

  /** Handlers: onState(state) answers the next cursor; onFault(problem), before the next try. */
  constructor(url, cursor, handlers) {
    this.#run(url, cursor, handlers);
  }

  stop() {
    this.#abort.abort();
  }

  /** Ends when stopped. */
  async #run(url, cursor, { onState, onFault }) {
    const { signal } = this.#abort;
    let after = cursor;
    let etag;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = Date.now();
      try {
        const news = await readStateAfter(url, { after, etag, waitSeconds: WAIT_SECONDS, signal });
        if (signal.aborted) return;
        if (news) {
          etag = news.etag;
          after = onState(news.state);
        }
        failures = 0;
        await pause(PERIOD_MS_MIN - (Date.now() - startedAt), signal);
      } catch (problem) {
        if (signal.aborted) return;
        failures++;
        onFault(problem);
        await pause(backoffMs(failures), signal);
      }
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
