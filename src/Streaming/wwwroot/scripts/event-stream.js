// One EventSource with a watchdog. It tells apart the ways a connection dies, because each
// wants another answer.
//
//   asking --address--> opening --onopen--> open
//      |                  |  ^                |  \--25 s without data--> dead: "stalled", or "silent" if none ever came
//      |                  |  \----onerror-----/      (the browser reconnects by itself, onRetrying)
//      |                  |--10 s without onopen--> dead: "silent"
//      |                  \--EventSource gives up (anything but 200)--> dead: "closed"
//      \--no address--> dead: "refused"
//
// The times are those of docs/protocol.md, "When a proxy buffers".

const OPEN_MS_MAX = 10_000; // headers and retry: leave the service at once
const SILENCE_MS_MAX = 25_000; // two heartbeats of 10 s and some air
const FIRST_QUIET_MS = 4_000;
const QUIET_MS = 12_000; // a heartbeat is overdue

export class EventStream {
  #source;
  #handlers;
  #abort = new AbortController();
  #watchdog;
  #quiet;
  #heardAt = Date.now();
  #heard = false;

  /**
   * `address(signal)` answers where to connect to. Handlers: onOpen(), onMessage(message, eventId), onRetrying(),
   * onQuiet() again and again while nothing comes for longer than it should, onDead("closed"|"stalled"|"silent"|"refused", problem).
   */
  constructor(address, handlers) {
    this.#handlers = handlers;
    this.#connect(address);
  }

  /** False as well when timers slept with the device and the silence went unnoticed. */
  get alive() {
    return this.#source?.readyState === EventSource.OPEN && Date.now() - this.#heardAt < SILENCE_MS_MAX;
  }

  close() {
    clearTimeout(this.#watchdog);
    clearInterval(this.#quiet);
    this.#abort.abort();
    this.#source?.close();
  }

  async #connect(address) {
    const { signal } = this.#abort;
    let url;
    try {
      url = await address(signal);
    } catch (problem) {
      if (!signal.aborted) this.#die("refused", problem);
      return;
    }
    if (signal.aborted) return;
    this.#source = new EventSource(url);
    this.#source.onopen = () => { this.#watch(SILENCE_MS_MAX); this.#handlers.onOpen?.(); };
    this.#source.onmessage = (event) => this.#receive(event);
    this.#source.onerror = () => this.#fail();
    this.#watch(OPEN_MS_MAX);
  }

  #receive(event) {
    this.#heard = true;
    this.#watch(SILENCE_MS_MAX);
    // Data that is no JSON throws here; the gap it leaves makes the subscriber read the state again.
    this.#handlers.onMessage(JSON.parse(event.data), event.lastEventId);
  }

  #fail() {
    if (this.#source.readyState === EventSource.CLOSED) {
      this.#die("closed");
      return;
    }
    this.#heard = false;
    this.#watch(OPEN_MS_MAX);
    this.#handlers.onRetrying?.();
  }

  #watch(silenceMsMax) {
    this.#heardAt = Date.now();
    clearTimeout(this.#watchdog);
    clearInterval(this.#quiet);
    this.#watchdog = setTimeout(() => this.#die(this.#heard ? "stalled" : "silent"), silenceMsMax);
    this.#quiet = setInterval(() => this.#handlers.onQuiet?.(), this.#heard ? QUIET_MS : FIRST_QUIET_MS);
  }

  #die(reason, problem) {
    this.close();
    this.#handlers.onDead(reason, problem);
  }
}
