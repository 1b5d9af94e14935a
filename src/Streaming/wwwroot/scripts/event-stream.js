// One EventSource with a watchdog. It tells apart the ways a connection dies, because each
// wants another answer.
//
//   opening --onopen--> open --message--> open
//      |                 |  \--25 s without data--> dead: "stalled", or "silent" if none ever came
//      |                 \--onerror--> opening (the browser reconnects by itself, onRetrying)
//      \--EventSource gives up (anything but 200)--> dead: "closed"

const SILENCE_MS_MAX = 25_000; // two heartbeats of 10 s and some air

export class EventStream {
  #source;
  #handlers;
  #watchdog;
  #heardAt = Date.now();
  #heard = false;

  /** Handlers: onOpen(), onMessage(message, eventId), onRetrying(), onDead("closed"|"stalled"|"silent"). */
  constructor(url, cursor, handlers) {
    this.#handlers = handlers;
    this.#source = new EventSource(cursor ? `${url}?lastEventId=${encodeURIComponent(cursor)}` : url);
    this.#source.onopen = () => { this.#rearm(); handlers.onOpen?.(); };
    this.#source.onmessage = (event) => this.#receive(event);
    this.#source.onerror = () => this.#fail();
    this.#rearm();
  }

  /** False as well when timers slept with the device and the silence went unnoticed. */
  get alive() {
    return this.#source.readyState === EventSource.OPEN && Date.now() - this.#heardAt < SILENCE_MS_MAX;
  }

  close() {
    clearTimeout(this.#watchdog);
    this.#source.close();
  }

  #receive(event) {
    this.#heard = true;
    this.#rearm();
    // Data that is no JSON throws here; the gap it leaves makes the subscriber read the state again.
    this.#handlers.onMessage(JSON.parse(event.data), event.lastEventId);
  }

  #fail() {
    if (this.#source.readyState === EventSource.CLOSED) this.#die("closed");
    else this.#handlers.onRetrying?.();
  }

  #rearm() {
    this.#heardAt = Date.now();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#die(this.#heard ? "stalled" : "silent"), SILENCE_MS_MAX);
  }

  #die(reason) {
    this.close();
    this.#handlers.onDead(reason);
  }
}
