// The shapes of docs/protocol.md, as far as this client looks into them. Everything may have more fields.

/** @typedef {import("streaming-web-client/protocol").Message} KnownMessage what the service itself sends */

/**
 * @typedef {{ type: string, index?: number, first?: number, sessionId?: string, timestamp?: number, [field: string]: any }} Message
 *   as it came: of any type, and a relay's may have any fields
 *
 * @typedef {{ name: string, label?: string, weight?: number, status: string, progress?: number, durationMs?: number }} Stage
 *
 * @typedef {{ id: string, kind: string, status: string, lastEventId: string, streamUrl: string, streamingData?: any,
 *   createdAt: string, updatedAt: string, [field: string]: any }} State
 *   what `GET /api/{kind}s/{id}` answers
 */

const ENDED = new Set(["completed", "failed", "cancelled"]);

/** @param {string | undefined} status */
export function isEnded(status) {
  return ENDED.has(/** @type {string} */ (status));
}

/**
 * Event ids are opaque, except that proving a stream gapless from its first message on needs to know where it begins. An
 * id of another form only means that the proof begins with the second.
 * @param {string | undefined} eventId
 * @returns {number | undefined} the index that follows
 */
export function indexAfter(eventId) {
  if (!eventId) return 0;
  const index = /-(-?\d+)$/.exec(eventId)?.[1];
  return index === undefined ? undefined : Number(index) + 1;
}
