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
import { indexAfter, isEnded } from "./messages.js";
import { watchPage } from "./page-life.js";
import { StreamProblem } from "./problem.js";
import { readAnswer, Requests, sessionOf } from "./requests.js";
import { SessionState } from "./session-state.js";
import { TabGroup } from "./tab-group.js";

/** @typedef {import("./messages.js").Message} Message */
/** @typedef {import("./messages.js").State} State */
/** @typedef {import("./sse-parser.js").SseEvent} SseEvent */

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
const DELIVERY_MS = 1_000;
const PROBE_MS_MAX = 300_000;
const POLL_PERIOD_MS_MIN = 500; // something on the way may answer in the place of the service
const LEADER_ANSWER_MS = 2_000;
const SILENCES_MAX = 2; // each takes 25 s

/** Types whose names are those of callbacks that are about something else. */
const NOT_BY_TYPE = /^(message|update|connection|complete|result|end)$/i;

export class StreamProcessor {
  /** @type {StreamOptions} */ #options;
  /** @type {Watch | undefined} */ #watch;

  /** @param {StreamOptions} [options] */
  constructor(options = {}) {
    this.#options = options;
  }

  /** What is known of the session of the last `processStream`; undefined before. */
  get state() {
    return this.#watch?.state;
  }

  /** @returns {Connection | undefined} */
  get connection() {
    return this.#watch?.connection;
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
    const watch = this.#watch = new Watch({ ...DEFAULTS, ...this.#options }, callbacks, requestInit);
    return watch.run(source);
  }

  /** Stops watching; what runs at the service goes on. */
  close() {
    this.#watch?.close();
  }
}

/** One `processStream`. */
class Watch {
  state = new SessionState();
  /** @type {Connection | undefined} */ connection;
  #options;
  #callbacks;
  #init;
  #requests;
  /** Ends everything. */ #closing = new AbortController();
  /** What is waited for at the moment; its abort reason says why it is not any more. */ #link = new AbortController();
  /** @type {string | undefined} */ #url;
  /** @type {string | undefined} */ #stateUrl;
  /** @type {string | undefined} */ #cursor;
  /** @type {number | undefined} index of the next message, if that is known */ #next = 0;
  /** @type {string | undefined} */ #etag;
  /** @type {Message | undefined} */ #result;

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
   * @param {StreamOptions & typeof DEFAULTS} options
   * @param {StreamCallbacks} callbacks
   * @param {RequestInit} requestInit
   */
  constructor(options, callbacks, requestInit) {
    this.#options = options;
    this.#callbacks = callbacks;
    this.#init = requestInit;
    const { getToken } = options;
    this.#requests = new Requests({ ...options, getToken: getToken && (async (...why) => {
      this.#isSigningIn = true;
      try {
        return await getToken(...why);
      } finally {
        this.#isSigningIn = false;
      }
    }) }, requestInit);
    this.#probeMs = options.probeMs;
  }

  /** @param {unknown} [reason] */
  close(reason) {
    this.#closing.abort(reason);
    this.#link.abort("closed");
    this.#unpark();
  }

  /**
   * @param {string | URL | Response | ReadableStream} source
   * @returns {Promise<SessionState>}
   */
  async run(source) {
    const { signal } = this.#init;
    const onAbort = () => this.close(/** @type {AbortSignal} */ (signal).reason);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    const unwatch = watchPage((wasOffline) => this.#wake(wasOffline), () => this.#park(), () => this.#unpark());
    try {
      this.#goOnAfter(this.#options.lastEventId);
      await this.#begin(source);
      while (!this.state.isEnded) await this.#step(() => (this.#isPolling ? this.#poll() : this.#connect()));
      return this.state;
    } catch (fault) {
      if (!this.#closing.signal.aborted) this.#call("onError", fault);
      throw fault;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      unwatch();
      this.#tabs?.leave();
      this.#link.abort("closed");
      this.#setConnection("ended");
    }
  }

  /** @param {string | URL | Response | ReadableStream} source */
  async #begin(source) {
    const isGiven = source instanceof Response || source instanceof ReadableStream;
    this.#url = isGiven ? "url" in source ? source.url : "" : String(source);
    this.#stateUrl = this.#options.stateUrl ?? sessionOf(this.#url)?.stateUrl;
    if (isGiven) await this.#step(() => this.#connect(source));
    while (this.#options.from === "state" && !this.#cursor && this.#stateUrl && !this.state.isEnded) {
      await this.#step(() => this.#read());
    }
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
    const ticking = setInterval(() => this.#tick(link), TICK_MS);
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
    if (reason === "gap" && ++this.#gaps < 3) return;
    if (/** @type {any} */ (reason)?.recoverable === false) throw reason;
    const wasToldToLeave = this.#lose();
    const shortsMax = { gap: 0, unopened: 0, silent: SILENCES_MAX }[String(reason)] ?? this.#options.failuresMax;
    // Polling that fails too is no help: whatever it is, it does not concern streams alone.
    this.#isPolling = !this.#isPolling && !!this.#stateUrl && this.#shorts >= shortsMax && globalThis.navigator?.onLine !== false;
    if (this.#isPolling) return;
    this.#link = new AbortController();
    this.#setConnection("reconnecting");
    const floorMs = /** @type {any} */ (reason)?.retryAfterMs || this.#retryMs;
    await pause(wasToldToLeave ? floorMs : backoffMs(this.#failures, floorMs), this.#link.signal);
    if (this.#link.signal.reason === "wake") this.#failures = this.#shorts = 0;
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
    const link = this.#link;
    const { signal } = link;
    const wasAlone = this.#isAlone;
    const handlers = this.#handlers(link);
    const isEventSource = this.#options.transport === "eventsource";
    if (!this.connection) this.#setConnection("connecting");
    try {
      let isOver = isEventSource; // one that gives up says as little as a 204 does
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
        if (isEventSource) await this.#requests.eventSourceStream(url, this.#cursor, signal, handlers);
        else isOver = await this.#requests.fetchStream(url, this.#cursor, signal, handlers);
      }
      if (!this.#stateUrl && given) throw new StreamProblem("cut", "Cut before its `end`.");
      if (isOver && this.#stateUrl) await this.#read();
      else if (isOver) this.#finish({ type: "end" });
      if (!this.state.isEnded) throw "cut";
    } finally {
      // Set by the watchdog for the next connection, and not for the one after it.
      this.#isAlone &&= !wasAlone;
    }
  }

  /**
   * @param {AbortController} link
   * @returns {import("./requests.js").StreamHandlers}
   */
  #handlers(link) {
    return {
      onOpen: () => {
        this.#openedAt = this.#heardAt = Date.now();
        this.#isLost = false;
        this.#setConnection("live");
      },
      onEvent: (event) => this.#receive(event),
      onRetry: (ms) => { this.#retryMs = ms; },
      onLost: () => {
        this.#isLost = false;
        this.#lose();
        this.#openedAt = 0;
        this.#heardAt = Date.now();
        this.#setConnection("reconnecting");
        if (this.#shorts >= this.#options.failuresMax) link.abort("cut");
      },
    };
  }

  /**
   * Every second, also after a sleep in which no timer ran.
   * @param {AbortController} link
   */
  #tick(link) {
    const { openTimeoutMs, silenceMs } = this.#options;
    if (this.#isSigningIn) this.#heardAt = Date.now();
    const silentMs = Date.now() - this.#heardAt;
    if (this.#isFollowing && !this.#hasHeard && silentMs > LEADER_ANSWER_MS) {
      // The tab that holds the lock is frozen, or is not one of ours.
      this.#isFollowing = false;
      this.#isAlone = true;
      link.abort(AGAIN);
    } else if (!this.#openedAt && !this.#isFollowing) {
      if (silentMs >= openTimeoutMs) link.abort("unopened");
    } else if (silentMs >= silenceMs) {
      this.#isAlone = this.#isFollowing;
      this.#isFollowing = false;
      link.abort("silent");
    } else if (!this.#hasLooked && !this.#isFollowing && silentMs > (this.#hasHeard ? HEARTBEAT_OVERDUE_MS : LOOK_MS)) {
      this.#hasLooked = true;
      void this.#look(link);
    }
  }

  /**
   * Asks whether there is news that the stream does not deliver.
   * @param {AbortController} link
   */
  async #look(link) {
    if (!this.#stateUrl) return;
    const cursor = this.#cursor;
    try {
      const found = await this.#requests.readState(this.#stateUrl, { after: cursor, signal: link.signal });
      if (!found || found.state.lastEventId === cursor) return;
      await pause(DELIVERY_MS, link.signal);
      if (link.signal.aborted || this.#cursor !== cursor) return;
      this.#isPolling = true;
      link.abort(AGAIN);
    } catch {
      // The watchdog goes on.
    }
  }

  /** @param {{ data: string, id: string }} event */
  #receive({ data, id }) {
    if (this.#link.signal.aborted) return;
    this.#heardAt = Date.now();
    this.#hasHeard = true;
    this.#hasLooked = false;
    const message = parse(data);
    // What cannot be read is missing, and the index of the next message shows that.
    if (!message) return;
    const { index, first = index } = message;
    if (index !== undefined) {
      if (this.#next !== undefined && index < this.#next) return;
      if (this.#next !== undefined && first !== this.#next) {
        this.#isFollowing = false;
        return this.#break("gap");
      }
      this.#next = index + 1;
      this.#cursor = this.state.lastEventId = id || this.#cursor;
      this.#gaps = this.#failures = 0;
      this.#probeMs = this.#options.probeMs;
    } else if (message.reset) {
      this.#goOnAfter(undefined);
      this.#result = undefined;
      this.state.reset();
    } else if (message.reconnect) {
      this.#isLeaving = true;
      return;
    }
    if (this.#tabs?.leads) this.#tabs.send({ next: this.#next, event: { data, id } });
    this.#deliver(message);
    if (this.#tabs && !this.#tabs.leads && !this.#isFollowing && !this.#isAlone && (this.#next ?? 0) >= this.#leaderNext) {
      // Level with the tab that leads: from the next word on, it is enough.
      this.#isFollowing = true;
      this.#break(AGAIN);
    }
  }

  /** @param {Message} message */
  #deliver(message) {
    const { type } = message;
    if (type !== "end") this.state.apply(message);
    this.#call("onMessage", message);
    if (!NOT_BY_TYPE.test(type)) this.#call(nameOf(type), message);
    if (type === "result") this.#result = message;
    if (type === "end") this.#finish(message);
    else this.#update();
  }

  /** @param {Message} end */
  #finish(end) {
    this.state.apply(end);
    if (this.state.status === "completed") this.#call("onComplete", this.#result ?? end);
    this.#call("onEnd", end);
    this.#update();
    this.#break(AGAIN);
  }

  // Polling

  /** Until it is time to try the stream again. */
  async #poll() {
    const { signal } = this.#link;
    const until = Date.now() + this.#probeMs;
    this.#setConnection("polling");
    while (!this.state.isEnded && Date.now() < until) {
      const startedAt = Date.now();
      await this.#read(true);
      this.#failures = 0;
      this.#tabs?.leads && this.#tabs.send({ next: this.#next });
      await pause(this.state.isEnded ? 0 : Math.max(0, POLL_PERIOD_MS_MIN - (Date.now() - startedAt)), signal);
      if (signal.aborted) throw signal.reason;
    }
    this.#probeMs = Math.min(PROBE_MS_MAX, this.#probeMs * 2);
    this.#isPolling = false;
    // One failure, and it polls again.
    this.#shorts = this.#options.failuresMax - 1;
  }

  /**
   * Reads the state, or what is new in it.
   * @param {boolean} [waits] for news
   */
  async #read(waits = false) {
    const { signal } = this.#link;
    const waitSeconds = waits ? this.#options.waitSeconds : 0;
    this.#openedAt = 0;
    this.#heardAt = Date.now() + waitSeconds * 1_000;
    const after = this.#cursor;
    const etag = waits ? this.#etag : undefined;
    const found = await this.#requests.readState(/** @type {string} */ (this.#stateUrl), { after, etag, waitSeconds, signal });
    if (!found || signal.aborted) return;
    this.#etag = found.etag;
    this.#adopt(found.state, after);
    if (this.#tabs?.leads) this.#tabs.send({ next: this.#next, state: found.state, after });
  }

  /**
   * @param {State} state
   * @param {string | undefined} after what its chunks follow
   */
  #adopt(state, after) {
    const { progress } = this.state;
    // Messages may have come meanwhile, through another tab.
    if (after !== this.#cursor) return;
    if (after === state.lastEventId && this.state.session && !isEnded(state.status)) return;
    const chunks = this.state.read(state, after !== undefined);
    this.#goOnAfter(state.lastEventId);
    for (const chunk of chunks) this.#call("onChunk", chunk);
    if (this.state.progress !== progress) {
      const { stage, statusText: label } = this.state;
      this.#call("onProgress", { type: "progress", stage, progress: this.state.progress, label });
    }
    if (state.error) this.#call("onError", { type: "error", ...state.error });
    if (this.state.isEnded) {
      this.#result ??= { type: "result", ...state };
      this.#finish({ type: "end", status: state.status, timestamp: this.state.endedAt });
    } else this.#update();
  }

  /** @param {string | undefined} eventId */
  #goOnAfter(eventId) {
    this.#cursor = eventId;
    this.#next = indexAfter(eventId);
  }

  // Other tabs, and the page itself

  #join() {
    const { share, getToken } = this.#options;
    const name = share === true ? (getToken ? "" : "all") : share;
    if (this.#tabs || !name || !this.#stateUrl || !TabGroup.isAvailable) return;
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
    if (tabs !== this.#tabs || this.state.isEnded) return;
    if (tabs.leads) {
      if (ask) tabs.send({ next: this.#next });
      return;
    }
    if (ask) return;
    this.#leaderNext = next;
    if (!this.#isFollowing) return;
    this.#heardAt = Date.now();
    this.#hasHeard = true;
    this.#setConnection("shared");
    if (event) this.#receive(event);
    else if (state && after === this.#cursor) this.#adopt(state, after);
    else if (this.#next === undefined || next > this.#next) {
      this.#isFollowing = false;
      this.#break(AGAIN);
    }
  }

  /** @param {boolean} wasOffline */
  #wake(wasOffline) {
    const isStale = Date.now() - this.#heardAt > HEARTBEAT_OVERDUE_MS;
    const isConnected = this.connection === "live" || this.connection === "shared";
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

  // Telling

  /** @param {Connection} connection */
  #setConnection(connection) {
    if (connection === this.connection) return;
    this.connection = connection;
    this.#call("onConnection", connection);
  }

  #update() {
    this.#call("onUpdate", this.state);
  }

  /**
   * @param {string} name
   * @param {any} news
   */
  #call(name, news) {
    try {
      /** @type {any} */ (this.#callbacks)[name]?.(news, this.state);
    } catch (fault) {
      // The page's fault must not cost it the stream.
      (globalThis.reportError ?? console.error)(fault);
    }
  }
}

/** @param {string} type as in `stage_complete` */
function nameOf(type) {
  return `on${type.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase())}`;
}

/**
 * @param {string} data
 * @returns {Message | undefined}
 */
function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" && !(message.index % 1) ? message : undefined;
  } catch {
    return undefined;
  }
}
