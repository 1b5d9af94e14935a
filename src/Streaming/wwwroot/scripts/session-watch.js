// One session as the browser client watches it, and what the page shows of that: how each connection was
// lost and found again, and the proof that nothing was missed.

import { StreamProcessor } from "/client/index.js";
import { Integrity } from "./integrity.js";
import { anotherToken, currentToken, currentUser } from "./token.js";

const FAILURES_MAX = 3; // connections that break at once, before the state is polled

/** An EventSource that can be lost on purpose. */
class CuttableSource extends EventSource {
  /** Drops the connection without a word to the server, as a tunnel or a lift would. */
  cut() {
    this.close();
    this.dispatchEvent(new Event("error"));
  }
}

/** Options of the client that hold for all of the page. */
export function clientOptions(signal) {
  let given;
  return {
    from: "state",
    transport: "eventsource",
    failuresMax: FAILURES_MAX,
    share: currentUser() ?? "all",
    async getToken(renew, problem) {
      if (renew) await anotherToken(given, problem, signal);
      return given = currentToken();
    },
  };
}

export class SessionWatch {
  #streamUrl;
  #handlers;
  #integrity = new Integrity();
  #leaving = new AbortController();
  #source;
  #session;
  #connection;
  #cause = "lost"; // of the next loss
  #loss; // where and how the connection was lost, until it is resumed

  /**
   * Handlers: onMessage(message) before the onState(state) that it leads to, which is the client's state; onConnection(connection);
   * onResume(line); onIntegrity({checked, faults, fault}); onProblem(problem) when the session cannot be read.
   */
  constructor(kind, id, handlers) {
    this.#streamUrl = `/api/stream/${kind}/${encodeURIComponent(id)}`;
    this.#handlers = handlers;
  }

  /** Reads the whole state and goes on from it to the end; also the way back after a retry. */
  async read() {
    this.#leaving.abort();
    const { signal } = this.#leaving = new AbortController();
    this.#session = undefined;
    const track = (source) => { this.#source = source; };
    const processor = new StreamProcessor({
      ...clientOptions(signal),
      EventSource: class extends CuttableSource {
        constructor(...parameters) {
          super(...parameters);
          track(this);
        }
      },
    });
    const unlessLeft = (handle) => (...news) => { if (!signal.aborted) handle.apply(this, news); };
    try {
      await processor.processStream(this.#streamUrl, {
        onMessage: unlessLeft(this.#receive),
        onUpdate: unlessLeft(this.#update),
        onConnection: unlessLeft((connection) => this.#connect(connection, processor.state.lastEventId)),
      }, { signal });
    } catch (problem) {
      if (!signal.aborted) this.#handlers.onProblem(problem);
    }
  }

  cut() {
    this.#cause = "cut";
    this.#source.cut();
    this.#cause = "lost";
  }

  /** Leaves the session. */
  stop() {
    this.#leaving.abort();
  }

  #receive(message, { lastEventId }) {
    if (message.type === "status" && message.reset) {
      this.#loss = undefined;
      this.#integrity.startAfter(undefined);
    }
    const fault = this.#integrity.check(message, lastEventId);
    const { checked, faults } = this.#integrity;
    this.#handlers.onIntegrity({ checked, faults, fault });
    if (Number.isInteger(message.index)) this.#reportResume(`resumed at ${firstEventId(message, lastEventId)}`);
    this.#handlers.onMessage(message);
  }

  #update(state) {
    if (state.session !== this.#session) {
      // It was read; what follows is counted from there.
      this.#session = state.session;
      this.#integrity.startAfter(state.lastEventId);
      this.#reportResume(`${this.#connection === "polling" ? "polled" : "read"} up to ${state.lastEventId}`);
    }
    this.#handlers.onState(state);
  }

  #connect(connection, eventId) {
    this.#connection = connection;
    if (connection === "reconnecting") this.#loss ??= { cause: this.#cause, eventId };
    if (connection === "polling") this.#loss = { eventId, ...this.#loss, cause: "held back" };
    this.#handlers.onConnection(connection);
  }

  #reportResume(how) {
    if (!this.#loss) return;
    const { cause, eventId } = this.#loss;
    this.#loss = undefined;
    this.#handlers.onResume(`${cause} at ${eventId ?? "the beginning"}, ${how}, nothing missed`);
  }
}

function firstEventId({ first }, eventId) {
  return first === undefined ? eventId : eventId.replace(/\d+$/, first);
}
