/**
 * @typedef {object} SseEvent
 * @property {string} event its name; empty for an unnamed one
 * @property {string} data its `data:` lines, joined with LF
 * @property {string} id the last event id that was seen up to here; empty if there was none
 */
export class SseParser {
    /**
     * @param {(event: SseEvent) => void} onEvent called for each complete event; one that was cut off is never one
     * @param {(ms: number) => void} [onRetry] called for each valid `retry:`
     * @param {string} [lastEventId] what an event without an id of its own has, until there is one
     */
    constructor(onEvent: (event: SseEvent) => void, onRetry?: (ms: number) => void, lastEventId?: string);
    /** @param {Uint8Array | string} piece as it came; cut anywhere */
    feed(piece: Uint8Array | string): void;
    #private;
}
export type SseEvent = {
    /**
     * its name; empty for an unnamed one
     */
    event: string;
    /**
     * its `data:` lines, joined with LF
     */
    data: string;
    /**
     * the last event id that was seen up to here; empty if there was none
     */
    id: string;
};
