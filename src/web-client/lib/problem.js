import { retryAfterMs } from "./backoff.js";

/** An answer that is not the one that was asked for. */
export class StreamProblem extends Error {
  name = "StreamProblem";

  /**
   * @param {string} code of docs/protocol.md, or `http_<status>` of something on the way, or `cut`
   * @param {string} message
   * @param {number} [status] of the answer
   * @param {boolean} [recoverable] it may be another the next time
   * @param {number} [retryAfterMs] `Retry-After`
   */
  constructor(code, message, status, recoverable = false, retryAfterMs) {
    super(message);
    this.code = code;
    this.status = status;
    this.recoverable = recoverable;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * @param {Response} response
 * @returns {Promise<StreamProblem>}
 */
export async function problemOf(response) {
  const { status, headers } = response;
  // A proxy answers in HTML.
  const body = await response.json().catch(() => undefined);
  const isFinal = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
  return new StreamProblem(
    body?.code ?? `http_${status}`, body?.detail ?? body?.title ?? status, status, !isFinal, retryAfterMs(headers.get("Retry-After")));
}
