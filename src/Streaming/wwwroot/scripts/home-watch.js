// Follows the sessions on the home page that are in progress, all of them on one connection.

import { watchMany } from "/client/many.js";
import { clientOptions } from "./session-watch.js";

const SESSIONS_MAX = 50; // Limits:SessionsPerStreamMax, unless it is configured
const TICK_MS = 1_000;

export class HomeWatch {
  #onGone;
  #leaving = new AbortController();
  #followed = new Map();
  #states = new Map();
  #timer;
  #frame;

  /** `onGone(id)`: one of them is not there any more. */
  constructor(onGone) {
    this.#onGone = onGone;
  }

  /** Follows these items, a Map by id, to their ends; a connection that follows others is left. */
  follow(items) {
    const wanted = new Map([...items].filter(([, item]) => item.isLive()).slice(0, SESSIONS_MAX));
    if ([...wanted.keys()].every((id) => this.#followed.has(id))) return;
    this.stop();
    this.#followed = wanted;
    const { signal } = this.#leaving = new AbortController();
    const onUpdate = (state) => {
      this.#states.set(state.id, state);
      this.#frame ??= requestAnimationFrame(() => this.#show());
    };
    const onDeleted = ({ sessionId }) => this.#onGone(sessionId);
    watchMany([...wanted.keys()], { onUpdate, onDeleted }, clientOptions(signal), { signal })
      // They stay as they were read; their own pages say more.
      .catch(() => {})
      .finally(() => { if (!signal.aborted) clearInterval(this.#timer); });
    // Time goes on between two messages.
    this.#timer = setInterval(() => this.#show(), TICK_MS);
  }

  stop() {
    this.#leaving.abort();
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#followed = new Map();
    this.#states = new Map();
  }

  #show() {
    this.#frame = undefined;
    for (const [id, state] of this.#states) this.#followed.get(id)?.update(state);
  }
}
