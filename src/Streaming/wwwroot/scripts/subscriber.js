// Follows one session: reads its state, subscribes from there, proves that nothing was missed,
// and comes back by itself from whatever cuts it off.
//
//   reading --live--> streaming --5 failures in a row, or held back--> polling
//      |  ^              |  ^                                         |  |
//      |  \-gap, closed--/  \------------ a probe hears data ---------/  |
//      \--ended--> ended <--end message----------------- ended state ----/

import { readState, sessionUrl, streamAddress } from "./api.js";
import { backoffMs } from "./backoff.js";
import { EventStream } from "./event-stream.js";
import { Integrity } from "./integrity.js";
import { StatePoll } from "./state-poll.js";
import { currentToken } from "./token.js";

const FAILURES_MAX = 5;
const CUT_MS = 1_500;
const PROBE_PERIOD_MS = 20_000;
const GRACE_MS = 1_000; // for a message that is on its way while the state that has it is read

const LIVE = new Set(["queued", "streaming", "paused"]);

export function isLive(status) {
  return LIVE.has(status);
}

export class Subscriber {
  #url;
  #kind;
  #id;
  #handlers;
  #integrity = new Integrity();
  #streamUrl;
  #cursor;
  #connection;
  #failures = 0;
  #ticketReplaced = false; // since the last message
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
    this.#kind = kind;
    this.#id = id;
    this.#handlers = handlers;
  }

  /** Reads the whole state and goes on from it; also the way back after a retry. */
  async read() {
    this.#disconnect();
    if (this.#connection !== "ended") this.#setConnection("reconnecting");
    const reading = this.#reading = new AbortController();
    let state;
    try {
      state = await readState(this.#url, { signal: reading.signal });
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
    const stream = this.#stream = this.#connect({
      onOpen: () => this.#setConnection("live"),
      onMessage: (message, eventId) => this.#receive(message, eventId),
      onRetrying: () => this.#fail(),
      onQuiet: () => this.#checkHeldBack(stream),
      onDead: (reason, problem) => this.#revive(reason, problem),
    });
  }

  #connect(handlers) {
    const stream = { kind: this.#kind, id: this.#id, streamUrl: this.#streamUrl, cursor: this.#cursor };
    return new EventStream((signal) => streamAddress({ ...stream, signal }), handlers);
  }

  #receive(message, eventId) {
    this.#failures = 0;
    this.#ticketReplaced = false;
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

  #revive(reason, problem) {
    if (problem && isFinal(problem)) {
      this.#giveUp(problem);
    } else if (reason === "silent") {
      this.#fallBack();
    } else if (this.#fail()) {
      // Closed may mean ended (204) as well as refused; the state knows which. But a ticket is refused often: it has
      // been used, and the connection broke before its first message. Then a new one goes on from the cursor.
      const newTicket = reason === "closed" && currentToken() !== undefined && !this.#ticketReplaced;
      this.#ticketReplaced ||= newTicket;
      const next = reason === "closed" && !newTicket ? () => this.read() : () => this.#open();
      this.#later(this.#failures === 1 ? 0 : backoffMs(this.#failures), next);
    }
  }

  /** Quiet may mean that there is nothing to say, or that something on the way holds it back: the state knows which. */
  async #checkHeldBack(stream) {
    const cursor = this.#cursor;
    let state;
    try {
      state = await readState(this.#url, { after: cursor });
    } catch {
      return; // the watchdog decides
    }
    const isQuiet = () => this.#stream === stream && this.#cursor === cursor;
    if (isQuiet() && state.lastEventId !== cursor) this.#later(GRACE_MS, () => { if (isQuiet()) this.#fallBack(); });
  }

  /** The headers came and nothing after them, or not even they: something on the way holds the stream back. */
  #fallBack() {
    this.#lose("held back");
    this.#startPolling();
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
      this.#probe = this.#connect({
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
      state = await readState(this.#url, { signal: reading.signal });
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
