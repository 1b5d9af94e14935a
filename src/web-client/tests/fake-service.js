// The service as docs/protocol.md describes it, in memory, behind a `fetch`. What lies between it and the client is the
// test's to break: `between` may hold back, cut, or drop what a connection sends.

const ID = "01a1fdf6-1dcd-7b42-aa02-95a778251af6";
const ENDED = new Set(["completed", "failed", "cancelled"]);

export const STREAM_URL = `http://service.test/api/stream/ideation/${ID}`;

export function envelope(index, type, fields = {}) {
  return { type, index, sessionId: ID, timestamp: 1_795_262_127_000 + index * 100, ...fields };
}

/** A whole run: two stages, an artifact, a restart in the middle, and the end. */
export function history() {
  const list = [];
  const add = (type, fields) => list.push(envelope(list.length, type, fields));
  add("start", {
    kind: "ideation", transformId: "t-1", provider: "offline", model: "offline-composer",
    stages: [{ name: "plan", label: "Planning", weight: 30 }, { name: "ideas", label: "Writing", weight: 70 }],
  });
  add("status", { status: "streaming", attempt: 1 });
  add("progress", { stage: "plan", stageProgress: 10, progress: 3, label: "Planning" });
  for (const text of ["A ", "plan ", "with ümlauts ", "and 🌩 storms."]) add("chunk", { stage: "plan", text });
  add("stage_complete", { stage: "plan", durationMs: 400, progress: 30 });
  for (const text of ["Half ", "of "]) add("chunk", { stage: "ideas", text });
  add("warning", { code: "provider_cut", category: "provider", message: "Again.", stage: "ideas", attempt: 1, retryAfterMs: 5 });
  add("info", { code: "restarted", message: "Again.", stage: "ideas" });
  for (let idea = 0; idea < 3; idea++) {
    for (const text of ["One ", "idea ", `${idea}.`]) add("chunk", { stage: "ideas", text });
    add("artifact", { artifactType: "idea", artifactId: `a-${idea}`, position: idea, data: { title: `Idea ${idea}`, body: "…" } });
    add("progress", { stage: "ideas", stageProgress: 30 * (idea + 1), progress: 40 + 20 * idea, label: `Idea ${idea}` });
  }
  add("stage_complete", { stage: "ideas", durationMs: 900, progress: 100 });
  add("result", { ideas: [0, 1, 2].map((idea) => ({ title: `Idea ${idea}`, body: "…" })) });
  add("end", { status: "completed" });
  return list;
}

export class FakeService {
  /** What is committed; `commit` adds to it. */
  messages = [];
  isShortened = false;
  requests = [];
  /** @type {(connection: { bytes: Uint8Array[], number: number }) => Uint8Array[] | undefined} */
  answers = new Map();
  connections = [];
  retryMs = 1000;
  token = undefined;
  #waiting = new Set();

  commit(...messages) {
    this.messages.push(...messages);
    for (const connection of [...this.connections]) connection.pump();
    for (const look of [...this.#waiting]) look();
  }

  get lastEventId() {
    return `1-${this.messages.length - 1}`;
  }

  /** The state as of now, as a GET answers it. */
  state(after) {
    const held = after ? Number(after.split("-")[1]) : -1;
    const texts = new Map();
    const restarts = [];
    const state = {
      id: ID, kind: "ideation", status: "queued", provider: "offline", model: "offline-composer", ideas: [], ideaCount: 3,
      userInput: "storms", lastEventId: this.lastEventId, streamUrl: new URL(STREAM_URL).pathname,
      createdAt: new Date(1_795_262_127_000).toISOString(), updatedAt: new Date(1_795_262_137_000).toISOString(),
    };
    const running = { transformId: "t-1", progress: 0, statusText: "", estimate: null, stages: [], restarts, chunks: [] };
    for (const message of this.messages) {
      const { type, stage, index } = message;
      if (type === "start") running.stages = message.stages.map((known) => ({ ...known, status: "pending" }));
      if (message.progress !== undefined) running.progress = message.progress;
      const known = running.stages.find(({ name }) => name === stage);
      if (type === "progress" || type === "chunk") {
        running.stage = stage;
        if (known?.status === "pending") known.status = "running";
      }
      if (type === "progress") running.statusText = message.label;
      if (type === "stage_complete") known.status = "completed";
      if (type === "chunk") texts.set(stage, [...(texts.get(stage) ?? []), message]);
      if (type === "info") {
        texts.delete(stage);
        running.statusText = message.message;
        if (index > held) restarts.push({ stage, index });
      }
      if (type === "status") state.status = message.status;
      if (type === "artifact") state.ideas.push(message.data);
      if (type === "error") state.error = { code: message.code, category: message.category, message: message.message, recoverable: message.recoverable };
      if (type === "end") state.status = message.status;
    }
    running.chunks = [...texts.values()].flat().filter(({ index }) => index > held).sort((a, b) => a.index - b.index);
    if (!ENDED.has(state.status)) state.streamingData = running;
    return state;
  }

  /** Cuts every connection as a tunnel would. */
  cut() {
    for (const connection of [...this.connections]) connection.fail(new TypeError("network error"));
  }

  heartbeat() {
    for (const connection of [...this.connections]) connection.send(`data: {"type":"heartbeat","timestamp":${Date.now()}}\n\n`);
  }

  /** What the next requests whose address has `part` in it are answered with. */
  answer(part, ...answers) {
    this.answers.set(part, [...(this.answers.get(part) ?? []), ...answers]);
  }

  count(part) {
    return this.requests.filter(({ url }) => url.includes(part)).length;
  }

  fetch = async (url, init = {}) => {
    const request = { url: String(url), headers: new Headers(init.headers), method: init.method ?? "GET" };
    this.requests.push(request);
    init.signal?.throwIfAborted();
    for (const [part, answers] of this.answers) {
      const answer = request.url.includes(part) ? answers.shift() : undefined;
      if (answer) return answer(request, init);
    }
    if (this.token && request.headers.get("Authorization") !== `Bearer ${this.token}`) return problem(401, "invalid_token");
    if (request.url.includes("/api/stream/")) return this.#stream(request, init.signal);
    return this.#read(request, init.signal);
  };

  async #read({ url, headers }, signal) {
    const after = new URL(url).searchParams.get("after") ?? undefined;
    const tag = () => `"${this.lastEventId}"`;
    const isSame = () => headers.get("If-None-Match") === tag() || (!headers.get("If-None-Match") && after === this.lastEventId);
    const wait = /^wait=(\d+)$/.exec(headers.get("Prefer") ?? "")?.[1];
    if (wait && isSame() && !ENDED.has(this.state().status)) await this.#news(Number(wait) * 1_000, signal);
    if (headers.get("If-None-Match") === tag()) return new Response(null, { status: 304 });
    return Response.json(this.state(after), { headers: { ETag: tag() } });
  }

  #news(ms, signal) {
    return new Promise((resolve, reject) => {
      const finish = (settle) => () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(signal?.reason);
      };
      const look = finish(resolve);
      const timer = setTimeout(look, ms);
      this.#waiting.add(look);
      signal?.addEventListener("abort", finish(reject));
    });
  }

  #stream({ headers, url }, signal) {
    const cursor = headers.get("Last-Event-ID") ?? new URL(url).searchParams.get("lastEventId");
    const last = this.messages.at(-1);
    if (cursor && last?.type === "end" && cursor === this.lastEventId) return new Response(null, { status: 204 });
    const connection = new Connection(this, cursor, this.connections.length, signal);
    return new Response(connection.body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

/** One connection: sends what is committed after its cursor. `service.between` may see to what arrives of it. */
class Connection {
  #encoder = new TextEncoder();
  #controller;
  #next;

  constructor(service, cursor, number, signal) {
    this.service = service;
    this.#next = cursor ? Number(cursor.split("-")[1]) + 1 : 0;
    this.body = new ReadableStream({
      start: (controller) => { this.#controller = controller; },
      cancel: () => this.#forget(),
    });
    signal?.addEventListener("abort", () => this.fail(signal.reason));
    service.connections.push(this);
    this.send(`retry: ${service.retryMs}\n\n`);
    if (this.#next > service.messages.length) {
      this.#next = 0;
      this.send(`data: {"type":"status","reset":true,"sessionId":"${ID}","timestamp":1}\n\n`);
    }
    this.pump();
  }

  pump() {
    while (this.#controller && this.#next < this.service.messages.length) {
      const message = this.service.messages[this.#next++];
      this.send(`data: ${JSON.stringify(message)}\nid: 1-${message.index}\n\n`);
      if (message.type === "end") this.close();
    }
  }

  send(text) {
    if (!this.#controller) return;
    const bytes = this.#encoder.encode(text);
    const passed = this.service.between ? this.service.between(this, bytes, text) : bytes;
    if (passed && this.#controller) this.#controller.enqueue(passed);
  }

  close() {
    this.#controller?.close();
    this.#forget();
  }

  fail(reason) {
    this.#controller?.error(reason);
    this.#forget();
  }

  #forget() {
    this.#controller = undefined;
    this.service.connections = this.service.connections.filter((other) => other !== this);
  }
}

export function problem(status, code, headers = {}) {
  return new Response(JSON.stringify({ type: "about:blank", title: code, status, code }), {
    status, headers: { "Content-Type": "application/problem+json", ...headers },
  });
}

/** Lets everything happen that needs no timer. */
export async function settle() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
