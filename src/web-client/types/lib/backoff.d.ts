/**
 * Full jitter on top of what the server has asked for, so that those who lost the same server do not come back together.
 * @param {number} failures in a row, 1 or more
 * @param {number} [floorMs] `retry:` or `Retry-After`: never less than this
 * @param {number} [firstMs] ceiling of the jitter after the first failure; it doubles up to 30 s
 * @returns {number} ms
 */
export function backoffMs(failures: number, floorMs?: number, firstMs?: number): number;
/**
 * @param {string | null} value of `Retry-After`: seconds, or a date (RFC 9110, 10.2.3)
 * @returns {number | undefined} ms
 */
export function retryAfterMs(value: string | null): number | undefined;
/**
 * @param {number} ms
 * @param {AbortSignal} signal ends it early
 * @returns {Promise<void>} never rejects, and leaves no timer
 */
export function pause(ms: number, signal: AbortSignal): Promise<void>;
