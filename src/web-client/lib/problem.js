import { retryAfterMs } from "./backoff.js";

/** An answer that is not the one that was asked for. What will never be another is not `recoverable`. */
export class StreamProblem extends Error {
  name = "StreamProblem";

  /**
   * @param {string} code of docs/protocol.md, or `http_<status>`, `not_a_stream`, `cut`
   * @param {string} message
   * @param {{ status?: number, recoverable?: boolean, retryAfterMs?: number }} [facts]
   */
  constructor(code, message, { status, recoverable = false, retryAfterMs: afterMs } = {}) {
    super(message);
    this.code = code;
    /** Of the answer; undefined if there was none. */
    this.status = status;
    this.recoverable = recoverable;
    this.retryAfterMs = afterMs;
  }
}

/**
 * @param {Response} response one that is no success
 * @returns {Promise<StreamProblem>}
 */
export async function problemOf(response) {
  const { status, headers } = response;
  // A proxy answers in HTML.
  const body = await response.json().catch(() => undefined);
  return new StreamProblem(body?.code ?? `http_${status}`, body?.detail ?? body?.title ?? `Answered with ${status}.`, {
    status,
    recoverable: status >= 500 || status === 408 || status === 425 || status === 429,
    retryAfterMs: retryAfterMs(headers.get("Retry-After")),
  });
}
