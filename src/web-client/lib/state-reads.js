// The state in the place of the stream: what is new in it, and whether it is ahead of what the stream has delivered.

import { pause } from "./backoff.js";

const DELIVERY_MS = 1_000;

export class StateReads {
  #requests;
  #url;
  #reading;
  /** @type {string | null | undefined} */ #etag;

  /**
   * @param {import("./requests.js").Requests} requests
   * @param {string} url
   * @param {import("./reading.js").Reading} reading takes over what is read
   */
  constructor(requests, url, reading) {
    this.#requests = requests;
    this.#url = url;
    this.#reading = reading;
  }

  /**
   * Reads the state, or what is new in it.
   * @param {AbortSignal} signal
   * @param {number} waitSeconds for news, that the service may take; 0: the state as it is
   * @returns {Promise<import("./tab-group.js").Word>} the same for another tab
   */
  async read(signal, waitSeconds) {
    const after = this.#reading.cursor;
    const etag = waitSeconds ? this.#etag : null;
    const found = await this.#requests.readState(this.#url, { after, etag, waitSeconds, signal });
    signal.throwIfAborted();
    if (found) {
      this.#etag = found.etag;
      this.#reading.adopt(found.state, after);
    }
    return { state: found?.state, after };
  }

  /**
   * Whether there is news that the stream does not deliver.
   * @param {AbortSignal} signal
   */
  async isAhead(signal) {
    const { cursor } = this.#reading;
    const found = await this.#requests.readState(this.#url, { after: cursor, signal });
    if (!found || found.state.lastEventId === cursor) return false;
    await pause(DELIVERY_MS, signal);
    return !signal.aborted && this.#reading.cursor === cursor;
  }
}
