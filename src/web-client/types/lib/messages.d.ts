/** @param {string | undefined} status */
export function isEnded(status: string | undefined): boolean;
/**
 * Event ids are opaque, except that proving a stream gapless from its first message on needs to know where it begins. An
 * id of another form only means that the proof begins with the second.
 * @param {string | undefined} eventId
 * @returns {number | undefined} the index that follows
 */
export function indexAfter(eventId: string | undefined): number | undefined;
/**
 * what the service itself sends
 */
export type KnownMessage = import("streaming-web-client/protocol").Message;
/**
 * as it came: of any type, and a relay's may have any fields
 */
export type Message = {
    type: string;
    index?: number;
    first?: number;
    sessionId?: string;
    timestamp?: number;
    [field: string]: any;
};
export type Stage = {
    name: string;
    label?: string;
    weight?: number;
    status: string;
    progress?: number;
    durationMs?: number;
};
/**
 * what `GET /api/{kind}s/{id}` answers
 */
export type State = {
    id: string;
    kind: string;
    status: string;
    lastEventId: string;
    streamUrl: string;
    streamingData?: any;
    createdAt: string;
    updatedAt: string;
    [field: string]: any;
};
