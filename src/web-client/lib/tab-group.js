// One connection for all tabs of an origin that watch the same stream: the tab that holds the lock reads it and passes
// everything on. When it goes, the lock falls to another one, which reads on from its own cursor.
//
//   entering --lock is free--> leads --leave, tab closed--> gone
//       \--lock is held--> follows --lock falls to it--> leads

/**
 * What is passed on. `next` is the index that the leader expects; with it alone, a sign of life.
 * @typedef {{ next?: number, event?: { data: string, id: string }, state?: any, after?: string, ask?: boolean }} Word
 */

export class TabGroup {
  leads = false;
  #leaving = new AbortController();
  #release = () => {};
  #name;
  #onLead;
  #channel;

  static get isAvailable() {
    return typeof navigator === "object" && !!navigator.locks && typeof BroadcastChannel === "function";
  }

  /**
   * @param {string} name the same for those who share
   * @param {(word: Word) => void} onWord of another tab
   * @param {() => void} onLead the lock has fallen to this tab after it had to wait for it
   */
  constructor(name, onWord, onLead) {
    this.#name = name;
    this.#onLead = onLead;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => onWord(data);
  }

  /** Knows afterwards whether this tab leads. */
  async enter() {
    const { signal } = this.#leaving;
    await new Promise((resolve, reject) => {
      navigator.locks.request(this.#name, { ifAvailable: true }, (lock) => {
        const held = lock && !signal.aborted ? this.#lead() : undefined;
        resolve(undefined);
        return held;
      }).catch(reject);
    });
    if (this.leads || signal.aborted) return;
    navigator.locks.request(this.#name, { signal }, () => {
      const held = this.#lead();
      this.#onLead();
      return held;
    }).catch(() => {}); // left while it waited
  }

  /** @param {Word} word */
  send(word) {
    if (!this.#leaving.signal.aborted) this.#channel.postMessage(word);
  }

  leave() {
    this.#leaving.abort();
    this.leads = false;
    this.#release();
    this.#channel.close();
  }

  /** @returns {Promise<void>} held until it leaves */
  #lead() {
    this.leads = true;
    return new Promise((resolve) => { this.#release = resolve; });
  }
}
