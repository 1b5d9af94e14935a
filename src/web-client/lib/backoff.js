// How long to wait before the next try.

const CEILING_MS_MAX = 30_000;

/**
 * Full jitter on top of what the server has asked for, so that those who lost the same server do not come back together.
 * @param {number} failures in a row, 1 or more
 * @param {number} [floorMs] `retry:` or `Retry-After`: never less than this
 * @param {number} [firstMs] ceiling of the jitter after the first failure; it doubles up to 30 s
 * @returns {number} ms
 */
export function backoffMs(failures, floorMs = 0, firstMs = 1_000) {
  return floorMs + Math.random() * Math.min(CEILING_MS_MAX, firstMs * 2 ** (failures - 1));
}

/**
 * @param {string | null} value of `Retry-After`: seconds, or a date (RFC 9110, 10.2.3)
 * @returns {number | undefined} ms
 */
export function retryAfterMs(value) {
  if (!value) return undefined;
  const ms = Number(value) * 1_000 || Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends it early
 * @returns {Promise<void>} never rejects, and leaves no timer
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
