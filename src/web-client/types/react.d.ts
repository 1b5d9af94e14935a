/**
 * @typedef {object} StreamingData
 * @property {SessionState | undefined} data what is known; a new object whenever it has changed, undefined until the
 *   state was read
 * @property {import("./lib/stream-processor.js").Connection} connection
 * @property {Error | undefined} problem for which the session cannot be read; that it has failed is in `data.error`
 * @property {boolean} isEnded
 * @property {() => void} refresh reads everything anew, as after a retry
 */
/**
 * Watches a session for as long as the component is there.
 * @param {string} type kind of the session, such as `ideation`
 * @param {string | null | undefined} id none: nothing is watched
 * @param {StreamOptions & { baseUrl?: string, requestInit?: RequestInit }} [options] taken when the watching begins;
 *   `baseUrl` of the service: default this origin
 * @returns {StreamingData}
 */
export function useStreamingData(type: string, id: string | null | undefined, options?: StreamOptions & {
    baseUrl?: string;
    requestInit?: RequestInit;
}): StreamingData;
export type StreamingData = {
    /**
     * what is known; a new object whenever it has changed, undefined until the
     * state was read
     */
    data: SessionState | undefined;
    connection: import("./lib/stream-processor.js").Connection;
    /**
     * for which the session cannot be read; that it has failed is in `data.error`
     */
    problem: Error | undefined;
    isEnded: boolean;
    /**
     * reads everything anew, as after a retry
     */
    refresh: () => void;
};
export type StreamOptions = import("./lib/stream-processor.js").StreamOptions;
export type SessionState = import("./lib/session-state.js").SessionState;
