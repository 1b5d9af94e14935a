// One connection for all tabs of an origin that watch the same stream: the tab that holds the lock reads it and passes
// everything on. When it goes, the lock falls to another one, which reads on from its own cursor.
//
//   follows --lock falls to it, at once if it is free--> leads --leave, tab closed--> gone

/**
 * What is passed on. `next` is the index that the leader expects; with it alone, a sign of life.
 * @typedef {{ next?: number, event?: { data: string, id: string }, state?: any, after?: string, ask?: boolean }} Word
 */

export class TabGroup {
  leads = false;
  #leaving = new AbortController();
  /** @type {(value?: any) => void} */ #release = () => {};
  #channel;

  /**
   * @param {string} name the same for those who share
   * @param {(word: Word) => void} onWord of another tab
   * @param {() => void} onLead the lock has fallen to this tab
   */
  constructor(name, onWord, onLead) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => onWord(data);
    navigator.locks.request(name, { signal: this.#leaving.signal }, () => {
      this.leads = true;
      onLead();
      return new Promise((resolve) => { this.#release = resolve; });
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
}
