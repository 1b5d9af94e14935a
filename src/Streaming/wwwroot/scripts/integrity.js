// Proves that nothing was missed: the indexes of a transform are gapless, so each persisted
// message must begin right after the one before it.

/**
 * Event ids are opaque to clients except here: the proof needs to know at which index the state
 * ends. An id of another shape only means that the proof begins with the next message.
 */
function positionOf(eventId) {
  const match = /^(\d+)-(-?\d+)$/.exec(eventId ?? "");
  return match ? { ordinal: Number(match[1]), index: Number(match[2]) } : undefined;
}

export class Integrity {
  #last;
  #faults = 0;
  #checked = 0;

  /** The state was read: the next message is the one after `eventId`. */
  startAfter(eventId) {
    this.#last = positionOf(eventId);
  }

  /** Returns undefined when the message follows on, otherwise a sentence that says what is wrong. */
  check(message, eventId) {
    if (!Number.isInteger(message.index)) return undefined;
    const previous = this.#last;
    const first = message.first ?? message.index;
    const ordinal = positionOf(eventId)?.ordinal ?? previous?.ordinal;
    this.#last = { ordinal, index: message.index };
    this.#checked += message.index - first + 1;
    if (!previous) return undefined;

    const expected = ordinal === previous.ordinal ? previous.index + 1 : 0;
    if (first === expected) return undefined;
    this.#faults++;
    const found = first > expected ? `${first - expected} missed` : `${expected - first} repeated`;
    return `${found} before ${ordinal}-${message.index} (expected ${ordinal}-${expected}, got ${ordinal}-${first})`;
  }

  /** Messages checked so far; a merged frame counts for all it holds. */
  get checked() {
    return this.#checked;
  }

  get faults() {
    return this.#faults;
  }
}
