/**
 * @param {string} url of a stream
 * @returns {string | undefined} where its state is; undefined if it is not the stream of one session of this service
 */
export function stateUrlOf(url: string): string | undefined;
/**
 * Reads an answer until it is cut.
 * @param {Response | ReadableStream<any>} answer
 * @param {AbortSignal} signal ends it, and must in the end; the promise is then rejected
 * @param {StreamHandlers} handlers
 * @returns {Promise<boolean>} true if there is nothing to come (204)
 */
export function readAnswer(answer: Response | ReadableStream<any>, signal: AbortSignal, { onOpen, onEvent, onRetry }: StreamHandlers): Promise<boolean>;
export class Requests {
    /**
     * @param {{ getToken?: import("./stream-processor.js").GetToken, fetch?: typeof fetch, EventSource?: typeof EventSource }} options
     * @param {RequestInit} init headers, credentials and the like of every request
     */
    constructor(options: {
        getToken?: import("./stream-processor.js").GetToken;
        fetch?: typeof fetch;
        EventSource?: typeof EventSource;
    }, init: RequestInit);
    /**
     * Reads a state.
     * @param {string} url
     * @param {{ after?: string, etag?: string | null, waitSeconds?: number, signal: AbortSignal }} how
     * @returns {Promise<{ state: State, etag: string | null } | undefined>} undefined: unchanged
     */
    readState(url: string, { after, etag, waitSeconds, signal }: {
        after?: string;
        etag?: string | null;
        waitSeconds?: number;
        signal: AbortSignal;
    }): Promise<{
        state: State;
        etag: string | null;
    } | undefined>;
    /**
     * Reads a stream until it is cut.
     * @param {string} url
     * @param {string | undefined} cursor
     * @param {AbortSignal} signal ends it; the promise is then rejected
     * @param {StreamHandlers} handlers
     * @returns {Promise<boolean>} true if there is nothing to come (204)
     */
    fetchStream(url: string, cursor: string | undefined, signal: AbortSignal, handlers: StreamHandlers): Promise<boolean>;
    /**
     * The same with an `EventSource`, which shows no status: its promise is fulfilled when it has given up.
     * @param {string} url
     * @param {string | undefined} cursor
     * @param {AbortSignal} signal
     * @param {StreamHandlers} handlers
     * @returns {Promise<void>}
     */
    eventSourceStream(url: string, cursor: string | undefined, signal: AbortSignal, handlers: StreamHandlers): Promise<void>;
    #private;
}
export type SseEvent = import("./sse-parser.js").SseEvent;
export type State = import("./messages.js").State;
export type StreamHandlers = {
    /**
     * the headers are there
     */
    onOpen: () => void;
    onEvent: (event: SseEvent) => void;
    /**
     * `retry:` of the server
     */
    onRetry: (ms: number) => void;
    /**
     * an EventSource was cut: it reconnects by itself, or has given up
     */
    onLost: () => void;
};
