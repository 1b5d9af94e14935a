// The page's own requests: lists, files, and those that start or steer a session. States and streams are the client's.
// Each carries the token, if there is one. One that is refused for the want of a token waits until
// there is another, and is sent again: whoever asked notices nothing but the time.

import { anotherToken, currentToken } from "./token.js";

/** An answer that is an RFC 9457 problem, or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor({ status, code, title, detail, errors }) {
    super(detail || title || "The request failed.");
    this.status = status;
    this.code = code;
    this.errors = errors ?? {};
  }
}

/** As in the addresses of the sessions of a kind. */
export function plural(kind) {
  return kind.endsWith("is") ? `${kind.slice(0, -2)}es` : `${kind}s`;
}

export function sessionUrl(kind, id) {
  return `/api/${plural(kind)}/${encodeURIComponent(id)}`;
}

export async function readSessions(kind, cursor) {
  const query = new URLSearchParams({ limit: "20" });
  if (cursor) query.set("cursor", cursor);
  return (await send(`/api/${plural(kind)}?${query}`)).json();
}

export async function steer(url, action) {
  await send(`${url}/${action}`, { method: "POST" });
}

/** Asks the service whether it takes a token, and throws its problem if it does not. */
export async function checkToken(token) {
  const response = await request("/api/ideations?limit=1", {}, token);
  if (!response.ok) throw await problemOf(response);
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

/** What the service says of itself, for those who run it. */
export async function readStatus(path) {
  return (await send(`/api/v1/status/${path}`)).json();
}

/** What opens the stream of it without a header. */
export async function statusTicket() {
  const headers = { "Content-Type": "application/json" };
  return (await (await send("/api/stream-tickets", { method: "POST", headers, body: '{"kind":"status"}' })).json()).ticket;
}

/** Reads a file as text. */
export async function readText(url) {
  return (await send(url)).text();
}

/** Reads a file and hands it to the browser to keep. */
export async function downloadFile(url, name) {
  const address = URL.createObjectURL(await (await send(url)).blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Creates sessions of one kind. */
export class Submission extends KeyedPost {
  constructor(kind) {
    super(`/api/${plural(kind)}`);
  }
}

/** Has a picture analysed, a File or Blob; `fields` that are empty are left out. Returns the state of the answer. */
export async function analyzePicture(picture, fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) body.append(name, value);
  body.append("image", picture, picture.name ?? "picture");
  // What is sent again for want of a token is the same request.
  const response = await send("/api/v1/stream/analyze", { method: "POST", headers: { "Idempotency-Key": idempotencyKey() }, body });
  return response.json();
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

async function send(url, init = {}) {
  while (true) {
    const token = currentToken();
    const response = await request(url, init, token);
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.code !== "unauthenticated" && problem.code !== "invalid_token") throw problem;
    await anotherToken(token, problem, init.signal);
  }
}

async function request(url, { headers, ...init }, token) {
  const credentials = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  try {
    // no-store: the browser's own cache must not answer.
    return await fetch(url, { cache: "no-store", headers: { Accept: "application/json", ...credentials, ...headers }, ...init });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Problem({ status: 0, code: "network", title: "The server does not answer." });
  }
}

async function problemOf(response) {
  let body;
  try {
    body = await response.json();
  } catch {
    // A proxy's error page is no problem document; the status says enough.
    body = { code: `http_${response.status}` };
  }
  return new Problem({ title: response.statusText, ...body, status: response.status });
}
