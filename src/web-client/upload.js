// Uploads of files that go on where they broke off, by tus 1.0 as docs/protocol.md has it.

import { backoffMs, pause } from "./lib/backoff.js";
import { problemOf, StreamProblem } from "./lib/problem.js";

const PIECE_MIN = 256 * 1_024;
const PIECE_MAX = 8 * 1_024 * 1_024;
const PIECE_SECONDS = 1;
const KEY = "streaming.upload ";

/**
 * @typedef {object} UploadOptions
 * @property {string} [baseUrl] of the service; default this origin
 * @property {import("./lib/stream-processor.js").GetToken} [getToken] as for a stream
 * @property {typeof fetch} [fetch]
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} [storage] where addresses of uploads are kept, so that a later page
 *   goes on with them; default `localStorage`, null: nowhere
 * @property {(sent: number, size: number) => void} [onProgress] bytes that the service has for sure
 * @property {(problem: Error | undefined, waitMs: number) => void} [onInterrupted] it will be tried again; undefined: it goes on
 * @property {AbortSignal} [signal] stops it; what came so far is kept for a time
 */

/**
 * @typedef {object} UploadedFile
 * @property {string} id
 * @property {string} url of its state
 */

/**
 * Uploads a file, or goes on with its upload: over cuts, restarts and reloads, for as long as it takes. A file that was uploaded before is not
 * sent again.
 * @param {File} file
 * @param {UploadOptions} [options]
 * @returns {Promise<UploadedFile>} when all bytes are stored
 * @throws {StreamProblem} the service refuses it
 */
export async function uploadFile(file, options = {}) {
  const { onProgress, onInterrupted, signal = new AbortController().signal } = options;
  const upload = new Upload(file, options, signal);
  for (let failures = 0; ;) {
    try {
      for (let offset = await upload.begin(); ; offset = await upload.send(offset)) {
        if (failures > 0) onInterrupted?.(undefined, 0);
        failures = 0;
        onProgress?.(offset, file.size);
        if (offset === file.size) return { id: upload.url.split("/").at(-1) ?? "", url: upload.url };
      }
    } catch (fault) {
      signal.throwIfAborted();
      // Something else than an answer: the connection.
      const problem = fault instanceof StreamProblem ? fault : undefined;
      // Somebody else went on with it, or it stood still for too long: the service says from where.
      if (problem && !problem.recoverable && !(upload.url && [404, 409].includes(problem.status ?? 0))) throw fault;
      const ms = backoffMs(++failures, problem?.retryAfterMs);
      onInterrupted?.(/** @type {Error} */ (fault), ms);
      await pause(ms, signal);
      signal.throwIfAborted();
    }
  }
}

class Upload {
  url = "";
  #file;
  #options;
  #signal;
  #storage;
  #piece = PIECE_MIN;

  /**
   * @param {File} file
   * @param {UploadOptions} options
   * @param {AbortSignal} signal
   */
  constructor(file, options, signal) {
    this.#file = file;
    this.#options = options;
    this.#signal = signal;
    this.#storage = options.storage === undefined ? ownStorage() : options.storage;
  }

  get #key() {
    return `${KEY}${this.#file.name} ${this.#file.size} ${this.#file.lastModified}`;
  }

  /** @returns {Promise<number>} bytes that are there */
  async begin() {
    this.url ||= this.#storage?.getItem(this.#key) ?? "";
    if (this.url) {
      const response = await this.#fetch(this.url, "HEAD");
      if (response.ok) return Number(response.headers.get("Upload-Offset"));
      // Another user's, or it stood still for too long.
      if (response.status !== 404 && response.status !== 410) throw await problemOf(response);
      this.#storage?.removeItem(this.#key);
      this.url = "";
    }
    const base = this.#options.baseUrl ?? "";
    const response = await this.#fetch(`${base}/api/files`, "POST", {
      "Upload-Length": String(this.#file.size),
      "Upload-Metadata": `filename ${base64(this.#file.name)}`,
    });
    if (!response.ok) throw await problemOf(response);
    this.url = base + response.headers.get("Location");
    try {
      this.#storage?.setItem(this.#key, this.url);
    } catch {
      // Full, or forbidden: then a reload begins anew.
    }
    return Number(response.headers.get("Upload-Offset") ?? 0);
  }

  /**
   * Sends a piece, as large as takes about a second.
   * @param {number} offset
   * @returns {Promise<number>} bytes that are there
   */
  async send(offset) {
    const begun = performance.now();
    const body = this.#file.slice(offset, offset + this.#piece);
    const response = await this.#fetch(this.url, "PATCH", { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" }, body);
    if (!response.ok) throw await problemOf(response);
    const perSecond = (body.size * 1_000) / Math.max(1, performance.now() - begun);
    this.#piece = Math.round(Math.min(PIECE_MAX, Math.max(PIECE_MIN, perSecond * PIECE_SECONDS)));
    return Number(response.headers.get("Upload-Offset"));
  }

  /**
   * With a token, if there are tokens; one that was refused is renewed once.
   * @param {string} url
   * @param {string} method
   * @param {Record<string, string>} [extra] headers
   * @param {Blob} [body]
   * @returns {Promise<Response>}
   */
  async #fetch(url, method, extra, body) {
    const { getToken, fetch = globalThis.fetch } = this.#options;
    /** @type {StreamProblem | undefined} */ let refusal;
    for (;;) {
      /** @type {Record<string, string>} */
      const headers = { "Tus-Resumable": "1.0.0", ...extra };
      const token = await getToken?.(!!refusal, refusal);
      if (token) headers.Authorization = `Bearer ${token}`;
      const response = await fetch(url, { method, headers, body, cache: "no-store", signal: this.#signal });
      if (response.status !== 401 || !getToken || refusal) return response;
      refusal = await problemOf(response);
    }
  }
}

/** A browser that keeps no site data throws at each touch. */
function ownStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

/** @param {string} text */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
