/**
 * @param {Response} response
 * @returns {Promise<StreamProblem>}
 */
export function problemOf(response: Response): Promise<StreamProblem>;
/** An answer that is not the one that was asked for. */
export class StreamProblem extends Error {
    /**
     * @param {string} code of docs/protocol.md, or `http_<status>` of something on the way, or `cut`
     * @param {string} message
     * @param {number} [status] of the answer
     * @param {boolean} [recoverable] it may be another the next time
     * @param {number} [retryAfterMs] `Retry-After`
     */
    constructor(code: string, message: string, status?: number, recoverable?: boolean, retryAfterMs?: number);
    code: string;
    status: number | undefined;
    recoverable: boolean;
    retryAfterMs: number | undefined;
}
