// Watches one stream to its end, over whatever cuts it off, and proves on the way that nothing was missed.
//
//   connecting --headers--> live <--------- a try at the stream holds ----------\
//       ^                    |                                                   |
//       |                    |-- held back, or cut too often ------------> polling
//       |                    |                                             (a try after 20 s, 40 s, … 5 min)
//       \-- reconnecting <---|-- cut, silent for 25 s, a gap
//                            \-- `end` --> ended
//   shared: another tab of this origin reads the stream; this one becomes it when that one goes

import { backoffMs, pause } from "./backoff.js";
import { watchPage } from "./page-life.js";
import { StreamProblem } from "./problem.js";
import { readAnswer, Requests, stateUrlOf } from "./requests.js";
import { StateReads } from "./state-reads.js";
import { TabGroup } from "./tab-group.js";

/** @typedef {import("./stream-processor.js").StreamOptions} StreamOptions */
/** @typedef {import("./reading.js").Reading} Reading */

/** @satisfies {StreamOptions} */
const DEFAULTS = {
  share: /** @type {boolean | string} */ (true),
  openTimeoutMs: 10_000,
  silenceMs: 25_000,
  failuresMax: 5,
  waitSeconds: 20,
  probeMs: 20_000,
};

/** Why something was broken off that has not failed: go on at once, in the way that is now right. */
const AGAIN = "again";
const TICK_MS = 1_000;
const LOOK_MS = 4_000; // on a new connection
const HEALTHY_MS = 10_000;
const HEARTBEAT_OVERDUE_MS = 12_000;
const LEADER_ANSWER_MS = 2_000;
const PROBE_MS_MAX = 300_000;
const POLL_PERIOD_MS_MIN = 500; // something on the way may answer in the place of the service

export class Watch {
  #options;
  #init;
  #reading;
  #requests;
  /** Ends everything. */ #closing = new AbortController();
  /** What is waited for at the moment; its abort reason says why it is not any more. */ #link = new AbortController();
  /** @type {string | undefined} */ #url;
  /** @type {StateReads | undefined} where there is a state to read */ #states;

  /** In a row: connections and polls without news, for how long to wait; connections that did not last, for polling. */
  #failures = 0;
  #shorts = 0;
  #gaps = 0;
  #isPolling = false;
  #probeMs;
  #retryMs = 1_000;
  /** Of the connection that is open: when its headers and its last event came. */
  #openedAt = 0;
  #heardAt = 0;
  #hasHeard = false;
  #hasLooked = false;
  #isLeaving = false;
  #isLost = false;
  /** Somebody may be asked for a token; that takes the time it takes. */ #isSigningIn = false;

  /** @type {TabGroup | undefined} */ #tabs;
  #isFollowing = false;
  #isAlone = false;
  #leaderNext = 0;
  /** @type {Promise<void> | undefined} */ #parked;
  #unpark = () => {};

  /**
   * @param {Reading} reading gets what is read
   * @param {StreamOptions} options
   * @param {RequestInit} requestInit
   */
  constructor(reading, options, requestInit) {
    this.#reading = reading;
    this.#options = { ...DEFAULTS, ...options };
    this.#init = requestInit;
    this.#probeMs = this.#options.probeMs;
    const { getToken } = options;
    this.#requests = new Requests({ ...options, getToken: getToken && (async (...why) => {
      this.#isSigningIn = true;
      try {
        return await getToken(...why);
      } finally {
        this.#isSigningIn = false;
      }
    }) }, requestInit);
  }

  /** @param {unknown} [reason] */
  close(reason) {
    this.#closing.abort(reason);
    this.#link.abort("closed");
    this.#unpark();
  }

  /**
   * @param {string | URL | Response | ReadableStream} source
   * @returns {Promise<void>} to its end
   */
  async run(source) {
    const { signal } = this.#init;
    const onAbort = () => this.close(/** @type {AbortSignal} */ (signal).reason);
    signal?.addEventListener("abort", onAbort, { signal: this.#closing.signal });
    if (signal?.aborted) onAbort();
    watchPage(this.#closing.signal, (wasOffline) => this.#wake(wasOffline), () => this.#park(), () => this.#unpark());
    try {
      this.#reading.goOnAfter(this.#options.lastEventId);
      await this.#begin(source);
      while (!this.#reading.isEnded) await this.#step(() => (this.#isPolling ? this.#poll() : this.#connect()));
    } catch (fault) {
      if (!this.#closing.signal.aborted) this.#reading.call("onError", fault);
      throw fault;
    } finally {
      this.close();
      this.#tabs?.leave();
      this.#reading.connect("ended");
    }
  }

  /** @param {string | URL | Response | ReadableStream} source */
  async #begin(source) {
    const isGiven = source instanceof Response || source instanceof ReadableStream;
    this.#url = isGiven ? "url" in source ? source.url : "" : String(source);
    const stateUrl = this.#options.stateUrl ?? stateUrlOf(this.#url);
    if (stateUrl) this.#states = new StateReads(this.#requests, stateUrl, this.#reading);
    if (isGiven) await this.#step(() => this.#connect(source));
    const { from } = this.#options;
    while (this.#states && from === "state" && !this.#reading.cursor && !this.#reading.isEnded) await this.#step(() => this.#read());
  }

  /**
   * Does one thing that may be broken off, and decides what that means.
   * @param {() => Promise<void>} action
   */
  async #step(action) {
    await this.#parked;
    const link = this.#link = new AbortController();
    this.#openedAt = 0;
    this.#heardAt = Date.now();
    this.#isLost = this.#hasHeard = this.#hasLooked = false;
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    let reason;
    try {
      this.#closing.signal.throwIfAborted();
      return await action();
    } catch (fault) {
      this.#closing.signal.throwIfAborted();
      reason = link.signal.aborted ? link.signal.reason : fault;
    } finally {
      clearInterval(ticking);
      link.abort(AGAIN);
    }
    await this.#judge(reason);
  }

  /** @param {unknown} reason */
  async #judge(reason) {
    if (reason === AGAIN) return;
    if (reason === "wake") {
      this.#isPolling = false;
      this.#failures = this.#shorts = 0;
      return;
    }
    if (reason === "gap" && this.#gaps++ < 2) return;
    if (/** @type {any} */ (reason)?.recoverable === false) throw reason;
    const wasToldToLeave = this.#lose();
    // A silence takes 25 s.
    const shortsMax = { gap: 0, unopened: 0, silent: 2 }[String(reason)] ?? this.#options.failuresMax;
    // Polling that fails too is no help: whatever it is, it does not concern streams alone.
    this.#isPolling = !this.#isPolling && !!this.#states && this.#shorts >= shortsMax && globalThis.navigator?.onLine !== false;
    if (this.#isPolling) return;
    this.#link = new AbortController();
    this.#reading.connect("reconnecting");
    const floorMs = /** @type {any} */ (reason)?.retryAfterMs || this.#retryMs;
    await pause(wasToldToLeave ? floorMs : backoffMs(this.#failures, floorMs), this.#link.signal);
    if (this.#link.signal.reason === "wake") await this.#judge("wake");
  }

  /** Counts a connection that was lost, and says whether the service had told it to leave, which is no failure. */
  #lose() {
    const wasToldToLeave = this.#isLeaving;
    this.#isLeaving = false;
    if (this.#isLost) return false;
    this.#isLost = true;
    if (this.#openedAt && this.#hasHeard && Date.now() - this.#openedAt >= HEALTHY_MS) this.#shorts = 0;
    if (!wasToldToLeave) {
      this.#failures++;
      this.#shorts++;
    }
    return wasToldToLeave;
  }

  // Streaming

  /** @param {Response | ReadableStream} [given] what was opened by another */
  async #connect(given) {
    const { signal } = this.#link;
    const wasAlone = this.#isAlone;
    /** @type {import("./requests.js").StreamHandlers} */
    const handlers = {
      onOpen: () => {
        this.#openedAt = this.#heardAt = Date.now();
        this.#isLost = false;
        this.#reading.connect("live");
      },
      onEvent: (event) => this.#receive(event),
      onRetry: (ms) => { this.#retryMs = ms; },
      onLost: () => {
        this.#isLost = false;
        this.#lose();
        this.#openedAt = 0;
        this.#heardAt = Date.now();
        this.#reading.connect("reconnecting");
        if (this.#shorts >= this.#options.failuresMax) this.#break("cut");
      },
    };
    if (!this.#reading.connection) this.#reading.connect("connecting");
    try {
      let isOver;
      if (given) isOver = await readAnswer(given, signal, handlers);
      else {
        this.#join();
        if (this.#isFollowing) {
          await new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
            this.#tabs?.send({ ask: true });
          });
        }
        const url = /** @type {string} */ (this.#url);
        const { cursor } = this.#reading;
        if (this.#options.transport === "eventsource") {
          await this.#requests.eventSourceStream(url, cursor, signal, handlers);
          // One that has given up says as little as a 204 does: the state knows.
          isOver = !!this.#states;
        } else isOver = await this.#requests.fetchStream(url, cursor, signal, handlers);
      }
      if (!this.#states && given) throw new StreamProblem("cut", "It was cut.");
      if (isOver && this.#states) await this.#read();
      else if (isOver) this.#reading.finish({ type: "end" });
      if (!this.#reading.isEnded) throw "cut";
    } finally {
      // Set by the watchdog for the next connection, and not for the one after it.
      this.#isAlone &&= !wasAlone;
    }
  }

  /** Every second, also after a sleep in which no timer ran. */
  #tick() {
    const { openTimeoutMs, silenceMs } = this.#options;
    if (this.#isSigningIn) this.#heardAt = Date.now();
    const silentMs = Date.now() - this.#heardAt;
    if (this.#isFollowing && !this.#hasHeard && silentMs > LEADER_ANSWER_MS) {
      // The tab that holds the lock is frozen, or is not one of ours.
      this.#isFollowing = false;
      this.#isAlone = true;
      this.#break(AGAIN);
    } else if (!this.#openedAt && !this.#isFollowing) {
      if (silentMs >= openTimeoutMs) this.#break("unopened");
    } else if (silentMs >= silenceMs) {
      this.#isAlone = this.#isFollowing;
      this.#isFollowing = false;
      this.#break("silent");
    } else if (!this.#hasLooked && !this.#isFollowing && silentMs > (this.#hasHeard ? HEARTBEAT_OVERDUE_MS : LOOK_MS)) {
      this.#hasLooked = true;
      void this.#look();
    }
  }

  /** Asks whether something on the way holds the stream back. */
  async #look() {
    // If that cannot be told, the watchdog goes on.
    if (!await this.#states?.isAhead(this.#link.signal).catch(() => false)) return;
    this.#isPolling = true;
    this.#break(AGAIN);
  }

  /** @param {{ data: string, id: string }} event */
  #receive(event) {
    if (this.#link.signal.aborted) return;
    this.#heardAt = Date.now();
    this.#hasHeard = true;
    this.#hasLooked = false;
    const message = this.#reading.accept(event);
    if (message === "gap") {
      this.#isFollowing = false;
      this.#break("gap");
    }
    if (!message || message === "gap") return;
    if (message.index !== undefined) {
      this.#gaps = this.#failures = 0;
      this.#probeMs = this.#options.probeMs;
    } else if (message.reconnect) {
      this.#isLeaving = true;
      return;
    }
    this.#pass({ event });
    this.#reading.tell(message);
    if (this.#reading.isEnded) this.#break(AGAIN);
    else if (this.#tabs && !this.#tabs.leads && !this.#isFollowing && !this.#isAlone && (this.#reading.next ?? 0) >= this.#leaderNext) {
      // Level with the tab that leads: from the next word on, it is enough.
      this.#isFollowing = true;
      this.#break(AGAIN);
    }
  }

  // Polling

  /** Until the end, or until it is time to try the stream again. */
  async #poll() {
    const { waitSeconds, failuresMax } = this.#options;
    const until = Date.now() + this.#probeMs;
    this.#reading.connect("polling");
    while (!this.#reading.isEnded && Date.now() < until) {
      const startedAt = Date.now();
      await this.#read(waitSeconds);
      await pause(this.#reading.isEnded ? 0 : startedAt + POLL_PERIOD_MS_MIN - Date.now(), this.#link.signal);
      this.#link.signal.throwIfAborted();
    }
    this.#probeMs = Math.min(PROBE_MS_MAX, this.#probeMs * 2);
    this.#isPolling = false;
    // One failure, and it polls again.
    this.#shorts = failuresMax - 1;
  }

  /** @param {number} [waitSeconds] for news */
  async #read(waitSeconds = 0) {
    this.#openedAt = 0;
    this.#heardAt = Date.now() + waitSeconds * 1_000;
    this.#pass(await /** @type {StateReads} */ (this.#states).read(this.#link.signal, waitSeconds));
    this.#failures = 0;
  }

  // Other tabs, and the page itself

  #join() {
    const { share, getToken } = this.#options;
    const name = share === true ? (getToken ? "" : "all") : share;
    if (this.#tabs || !name || !this.#states || !globalThis.navigator?.locks || !globalThis.BroadcastChannel) return;
    const tabs = this.#tabs = new TabGroup(`streaming ${this.#url} ${name}`, (word) => this.#hear(tabs, word), () => {
      if (!this.#isFollowing) return;
      this.#isFollowing = false;
      this.#break(AGAIN);
    });
    this.#isFollowing = true;
  }

  /**
   * @param {TabGroup} tabs
   * @param {import("./tab-group.js").Word} word
   */
  #hear(tabs, { next = 0, event, state, after, ask }) {
    if (tabs !== this.#tabs || this.#reading.isEnded) return;
    if (tabs.leads || ask) return ask && this.#pass({});
    this.#leaderNext = next;
    if (!this.#isFollowing) return;
    this.#heardAt = Date.now();
    this.#hasHeard = true;
    this.#reading.connect("shared");
    if (event) this.#receive(event);
    else if (state && after === this.#reading.cursor) {
      this.#reading.adopt(state, after);
      if (this.#reading.isEnded) this.#break(AGAIN);
    } else if (this.#reading.next === undefined || next > this.#reading.next) {
      this.#isFollowing = false;
      this.#break(AGAIN);
    }
  }

  /**
   * To those that follow, if there are any.
   * @param {import("./tab-group.js").Word} word
   */
  #pass(word) {
    if (this.#tabs?.leads) this.#tabs.send({ next: this.#reading.next, ...word });
  }

  /** @param {boolean} wasOffline */
  #wake(wasOffline) {
    const isStale = Date.now() - this.#heardAt > HEARTBEAT_OVERDUE_MS;
    const isConnected = this.#reading.connection === "live" || this.#reading.connection === "shared";
    if (!isConnected || isStale || (wasOffline && !this.#isFollowing)) this.#break("wake");
  }

  #park() {
    this.#parked ??= new Promise((resolve) => {
      this.#unpark = () => {
        this.#parked = undefined;
        resolve();
      };
    });
    this.#tabs?.leave();
    this.#tabs = undefined;
    this.#isFollowing = false;
    this.#break(AGAIN);
  }

  /** @param {string} reason */
  #break(reason) {
    this.#link.abort(reason);
  }
}
