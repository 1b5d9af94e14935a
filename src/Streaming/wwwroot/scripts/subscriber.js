// Follows one session: reads its state, subscribes from there, proves that nothing was missed,
// and comes back by itself from whatever cuts it off.
//
//   reading --live--> streaming --5 failures in a row, or silence--> polling
//      |  ^              |  ^                                         |  |
//      |  \-gap, closed--/  \------------ a probe hears data ---------/  |
//      \--ended--> ended <--end message----------------- ended state ----/

import { readState, sessionUrl } from "./api.js";
import { backoffMs } from "./backoff.js";
import { EventStream } from "./event-stream.js";
import { Integrity } from "./integrity.js";
import { StatePoll } from "./state-poll.js";

const FAILURES_MAX = 5;
const CUT_MS = 1_500;
const PROBE_PERIOD_MS = 20_000;

const LIVE = new Set(["queued", "streaming", "paused"]);

export function isLive(status) {
  return LIVE.has(status);
}

export class Subscriber {
  #url;
  #handlers;
  #integrity = new Integrity();
  #streamUrl;
  #cursor;
  #connection;
  #failures = 0;
  #loss; // where and how the connection was lost, until it is resumed
  #stream;
  #poll;
  #probe;
  #timer;
  #reading;

  /**
   * Handlers: onState(state, {after}) where `after` says that only newer chunks are in it;
   * onMessage(message); onConnection("live"|"reconnecting"|"polling"|"ended"); onResume(line);
   * onIntegrity({checked, faults, fault}); onProblem(problem) when the session cannot be read.
   */
  constructor(kind, id, handlers) {
    this.#url = sessionUrl(kind, id);
    this.#handlers = handlers;
  }

  /** Reads the whole state and goes on from it; also the way back after a retry. */
  async read() {
    this.#disconnect();
    if (this.#connection !== "ended") this.#setConnection("reconnecting");
    const reading = this.#reading = new AbortController();
    let state;
    try {
      state = await readState(this.#url, reading.signal);
    } catch (problem) {
      if (reading.signal.aborted) return;
      this.#reading = undefined;
      if (isFinal(problem)) this.#giveUp(problem);
      else this.#later(backoffMs(++this.#failures), () => this.read());
      return;
    }
    if (reading.signal.aborted) return;
    this.#reading = undefined;
    this.#adopt(state);
  }

  /** Drops the connection without a word to the server, as a tunnel or a lift would. */
  cut() {
    this.#disconnect();
    this.#lose("cut");
    this.#later(CUT_MS, () => this.#open());
  }

  /** The device or the network is back: do not wait for a timer if the connection is dead. */
  wake() {
    if (this.#reading || this.#stream?.alive) return;
    if (this.#poll) this.#failures = FAILURES_MAX - 1; // one try, then back to polling
    if (this.#streamUrl && this.#connection !== "ended") this.#open();
    else this.read();
  }

  /** Leaves the session, or pauses until `wake`. */
  stop() {
    this.#disconnect();
  }

  #adopt(state) {
    this.#handlers.onState(state, { after: false });
    this.#goOnFrom(state);
    this.#reportResume(`read again up to ${state.lastEventId}`);
    if (isLive(state.status)) this.#open();
    else this.#setConnection("ended");
  }

  #goOnFrom(state) {
    this.#streamUrl = state.streamUrl;
    this.#cursor = state.lastEventId;
    this.#integrity.startAfter(state.lastEventId);
  }

  #open() {
    this.#disconnect();
    this.#stream = new EventStream(this.#streamUrl, this.#cursor, {
      onOpen: () => this.#setConnection("live"),
      onMessage: (message, eventId) => this.#receive(message, eventId),
      onRetrying: () => this.#fail(),
      onDead: (reason) => this.#revive(reason),
    });
  }

  #receive(message, eventId) {
    this.#failures = 0;
    this.#setConnection("live");
    if (message.type === "status" && message.reset) {
      this.#loss = undefined;
      this.#cursor = undefined;
      this.#integrity.startAfter(undefined);
    }
    const fault = this.#integrity.check(message, eventId);
    this.#reportIntegrity(fault);
    if (fault) {
      this.#disconnect();
      const faults = this.#integrity.faults;
      this.#later(faults === 1 ? 0 : backoffMs(faults), () => this.read());
      return;
    }
    if (Number.isInteger(message.index)) {
      this.#cursor = eventId || this.#cursor;
      this.#reportResume(`resumed at ${firstEventId(message, eventId)}, nothing missed`);
    }
    this.#handlers.onMessage(message);
    if (message.type === "end") this.#finish();
  }

  /** One more failure; answers whether the stream may be tried again. */
  #fail() {
    this.#failures++;
    this.#lose("lost");
    if (this.#failures < FAILURES_MAX) return true;
    this.#startPolling();
    return false;
  }

  #revive(reason) {
    if (reason === "silent") {
      // The headers came and nothing after them: something on the way holds the stream back.
      this.#lose("lost");
      this.#startPolling();
    } else if (this.#fail()) {
      // Closed may mean ended (204) as well as refused; the state knows which.
      const next = reason === "closed" ? () => this.read() : () => this.#open();
      this.#later(this.#failures === 1 ? 0 : backoffMs(this.#failures), next);
    }
  }

  #startPolling() {
    this.#disconnect();
    this.#setConnection("polling");
    this.#poll = new StatePoll(this.#url, this.#cursor, {
      onState: (state) => this.#adoptPolled(state),
      onFault: (problem) => { if (isFinal(problem)) this.#giveUp(problem); },
    });
    this.#probeLater();
  }

  #adoptPolled(state) {
    this.#handlers.onState(state, { after: true });
    this.#goOnFrom(state);
    this.#reportResume(`polled up to ${state.lastEventId}`);
    if (!isLive(state.status)) this.#finish();
    return this.#cursor;
  }

  /** Polling goes on beside the probe, so a stream that is still held back costs nothing. */
  #probeLater() {
    this.#later(PROBE_PERIOD_MS, () => {
      const again = () => { this.#probe.close(); this.#probeLater(); };
      this.#probe = new EventStream(this.#streamUrl, this.#cursor, {
        onMessage: () => this.#open(),
        onRetrying: again,
        onDead: again,
      });
    });
  }

  async #finish() {
    this.#disconnect();
    this.#setConnection("ended");
    const reading = this.#reading = new AbortController();
    let state;
    try {
      state = await readState(this.#url, reading.signal);
    } catch {
      // The messages have told everything; the last reading only confirms it.
    }
    if (reading.signal.aborted) return;
    this.#reading = undefined;
    if (state && !isLive(state.status)) this.#handlers.onState(state, { after: false });
  }

  #giveUp(problem) {
    this.#disconnect();
    this.#setConnection("ended");
    this.#handlers.onProblem(problem);
  }

  #lose(cause) {
    this.#loss ??= { cause, eventId: this.#cursor };
    this.#setConnection("reconnecting");
  }

  #reportResume(how) {
    if (!this.#loss) return;
    const { cause, eventId } = this.#loss;
    this.#loss = undefined;
    this.#handlers.onResume(`${cause} at ${eventId ?? "the beginning"}, ${how}`);
  }

  #reportIntegrity(fault) {
    this.#handlers.onIntegrity({ checked: this.#integrity.checked, faults: this.#integrity.faults, fault });
  }

  #setConnection(connection) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#handlers.onConnection(connection);
  }

  #later(ms, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  #disconnect() {
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#stream?.close();
    this.#poll?.stop();
    this.#probe?.close();
    this.#reading = this.#stream = this.#poll = this.#probe = undefined;
  }
}

/** The request itself is wrong (no such session, no access): asking again changes nothing. */
function isFinal({ status }) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function firstEventId(message, eventId) {
  return message.first === undefined ? eventId : eventId.replace(/\d+$/, message.first);
}
