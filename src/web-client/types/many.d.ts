/**
 * Watches several sessions to the end of all.
 * @param {string[]} ids of any kind, none twice; as many as the service allows, 50 if nothing else is configured
 * @param {ManyCallbacks} [callbacks]
 * @param {import("./lib/stream-processor.js").StreamOptions & { baseUrl?: string }} [options] `from`, `share` and what is
 *   about polling is of no effect; `baseUrl` of the service: default this origin
 * @param {RequestInit} [requestInit] headers, credentials, …; its `signal` ends the watching
 * @returns {Promise<SessionState[]>} in the order of the ids
 * @throws {import("./lib/problem.js").StreamProblem} one of them is not there
 */
export function watchMany(ids: string[], callbacks?: ManyCallbacks, { baseUrl, ...options }?: import("./lib/stream-processor.js").StreamOptions & {
    baseUrl?: string;
}, requestInit?: RequestInit): Promise<SessionState[]>;
export type Message = import("./lib/messages.js").Message;
export type SessionState = import("./lib/session-state.js").SessionState;
/**
 * What one is told. Those of `StreamCallbacks` are told of every session, with its state.
 */
export type ManyCallbacks = import("./lib/stream-processor.js").StreamCallbacks & {
    onDeleted?: (message: Message) => void;
};
