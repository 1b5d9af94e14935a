// The HTTP side of the contract: state, lists, and the requests that start or steer a session.

/** An answer that is an RFC 9457 problem, or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor({ status, code, title, detail, errors }) {
    super(detail || title || "The request failed.");
    this.status = status;
    this.code = code;
    this.errors = errors ?? {};
  }
}

export function sessionUrl(kind, id) {
  return `/api/${kind}s/${encodeURIComponent(id)}`;
}

export async function readState(url, signal) {
  return (await send(url, { signal })).json();
}

/**
 * Reads the state unless it is still the one with `etag`; the server may hold the request
 * for `waitSeconds` until there is news. Answers `undefined` for "nothing new".
 */
export async function readStateAfter(url, { after, etag, waitSeconds, signal }) {
  const headers = { Prefer: `wait=${waitSeconds}` };
  if (etag) headers["If-None-Match"] = etag;
  const query = after ? `?after=${encodeURIComponent(after)}` : "";
  const response = await send(url + query, { headers, signal });
  if (response.status === 304) return undefined;
  return { state: await response.json(), etag: response.headers.get("ETag") };
}

export async function readSessions(kind, cursor) {
  const query = new URLSearchParams({ limit: "20" });
  if (cursor) query.set("cursor", cursor);
  return (await send(`/api/${kind}s?${query}`)).json();
}

export async function steer(url, action) {
  await send(`${url}/${action}`, { method: "POST" });
}

/**
 * Requests that make something, to one address. The Idempotency-Key belongs to the content: sending
 * the same content again after a lost answer repeats the first answer, and only a success retires the key.
 */
class KeyedPost {
  #url;
  #content;
  #key;

  constructor(url) {
    this.#url = url;
  }

  async send(input) {
    const content = JSON.stringify(input);
    if (content !== this.#content) {
      this.#content = content;
      this.#key = idempotencyKey();
    }
    const headers = { "Content-Type": "application/json", "Idempotency-Key": this.#key };
    const response = await send(this.#url, { method: "POST", headers, body: content });
    const state = await response.json();
    this.#content = undefined;
    return state;
  }
}

/** Creates sessions of one kind. */
export class Submission extends KeyedPost {
  constructor(kind) {
    super(`/api/${kind}s`);
  }
}

/** Tells a running generation what to go by. */
export class Guidance extends KeyedPost {
  constructor(kind, id) {
    super(`${sessionUrl(kind, id)}/messages`);
  }

  send(text) {
    return super.send({ text });
  }
}

/** `crypto.randomUUID` exists only on https and localhost; the page may be tried over a LAN. */
function idempotencyKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(url, { headers, ...init } = {}) {
  let response;
  try {
    // no-store: the browser's own cache must not answer, and must not hide a 304 from us.
    response = await fetch(url, { cache: "no-store", headers: { Accept: "application/json", ...headers }, ...init });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Problem({ status: 0, code: "network", title: "The server does not answer." });
  }
  if (response.ok || response.status === 304) return response;
  throw new Problem({ title: response.statusText, ...(await problemBody(response)), status: response.status });
}

async function problemBody(response) {
  try {
    return await response.json();
  } catch {
    // A proxy's error page is no problem document; the status says enough.
    return { code: `http_${response.status}` };
  }
}
