// What is known of one session: a state as it was read, and every message since. All types and fields that are not known
// are passed over, and so is what a relay sends in the fields of a known type that does not fit it.

import { isEnded } from "./messages.js";

/** @typedef {import("./messages.js").Message} Message */
/** @typedef {import("streaming-web-client/protocol").PreviewMessage} PreviewMessage */
/** @typedef {import("streaming-web-client/protocol").ResultMessage} ResultMessage */
/** @typedef {import("streaming-web-client/protocol").WarningMessage} WarningMessage */
/** @typedef {import("streaming-web-client/protocol").TimeEstimate} TimeEstimate */
/** @typedef {import("./messages.js").State} State */
/** @typedef {import("./messages.js").Stage} Stage */

const LISTS = new Set(["characters", "stages"]);

export class SessionState {
  /** @type {string | undefined} */ id;
  /** @type {string | undefined} */ kind;
  /** @type {string | undefined} `queued`, `streaming`, `paused`, `completed`, `failed`, `cancelled` */ status;
  /** @type {string | undefined} */ provider;
  /** @type {string | undefined} */ model;
  /** 0-100 of the whole; never less than before within a transform. */
  progress = 0;
  /** @type {string | undefined} the stage that runs */ stage;
  /** What is being done, for a person. */
  statusText = "";
  /** @type {Stage[]} */ stages = [];
  /** @type {Map<string, string>} raw text by stage, in the order the stages began */ texts = new Map();
  /** @type {any[]} */ ideas = [];
  /** @type {Record<string, any>} */ components = {};
  /** @type {{ type: string, position?: number, data: any }[]} those of other types */ artifacts = [];
  /** @type {PreviewMessage | undefined} the newest */ preview;
  /** @type {ResultMessage | undefined} the message, if there was one */ result;
  /** @type {TimeEstimate | null} as the service says it; null is unknown */ estimate = null;
  /** @type {WarningMessage | undefined} until work goes on */ warning;
  /** @type {any} why it failed */ error;
  /** @type {string | undefined} */ lastEventId;
  /** @type {number | undefined} ms, the server's clock */ startedAt;
  /** @type {number | undefined} ms, the server's clock */ endedAt;
  /** @type {State | undefined} as it was last read; what was asked for is in it */ session;

  /** @type {string | undefined} */ transformId;
  /** @type {number | undefined} client's clock less the server's: the least that was ever seen has the least of the way in it */
  skewMs;

  get isEnded() {
    return isEnded(this.status);
  }

  /** A copy that further messages leave as it is: whatever changes is replaced, and not changed. */
  snapshot() {
    return Object.assign(new SessionState(), this);
  }

  /**
   * How long it has run, by the server's clock, and until it ended.
   * @returns {number | undefined} ms
   */
  get elapsedMs() {
    if (this.startedAt === undefined) return undefined;
    const now = this.endedAt ?? Date.now() - (this.skewMs ?? 0);
    return Math.max(0, now - this.startedAt);
  }

  /**
   * Takes over what was read.
   * @param {State} state
   * @param {boolean} onlyNews its chunks are those after `lastEventId` (`?after=`)
   * @returns {Message[]} the chunks that are new, already applied
   */
  read(state, onlyNews) {
    const { streamingData: running, ...session } = state;
    const sameRun = onlyNews && (!running || running.transformId === this.transformId);
    if (!sameRun) this.reset();
    const { id, kind, status, provider, model, lastEventId, error } = state;
    Object.assign(this, { session, id, kind, status, provider, model, lastEventId, error });
    this.#results(state);
    this.startedAt ??= Date.parse(state.createdAt) || undefined;
    if (!running) {
      if (!sameRun) this.#append({ type: "chunk", text: state.text });
      if (this.isEnded) this.#end(Date.parse(state.updatedAt));
      return [];
    }
    this.transformId = running.transformId;
    if (running.stages) this.stages = running.stages.map((/** @type {Stage} */ stage) => ({ ...this.stages.find(({ name }) => name === stage.name), ...stage }));
    for (const { stage } of running.restarts ?? []) this.#drop(stage);
    const chunks = running.chunks ?? [];
    for (const message of chunks) this.#append(message);
    if (running.estimate !== undefined) this.estimate = running.estimate;
    this.#advance(running.progress, running.stage, running.statusText);
    return chunks;
  }

  /** @param {Message} message the next one */
  apply(message) {
    const { type, timestamp, stage } = message;
    if (timestamp) this.skewMs = Math.min(this.skewMs ?? Infinity, Date.now() - timestamp);
    if (message.index !== undefined && type !== "heartbeat") this.id ??= message.sessionId;
    if (message.estimate !== undefined) this.estimate = message.estimate;
    if (type === "start") this.#begin(message);
    else if (type === "status" && typeof message.status === "string" && !isEnded(message.status)) this.status = message.status;
    else if (type === "progress") this.#advance(message.progress, stage, message.label, message.stageProgress);
    else if (type === "chunk") this.#append(message);
    else if (type === "artifact") this.#artifact(message);
    else if (type === "preview") this.preview = /** @type {PreviewMessage} */ (message);
    else if (type === "stage_complete") this.#complete(message);
    else if (type === "result") this.#results((this.result = /** @type {ResultMessage} */ (message)));
    else if (type === "warning") this.warning = /** @type {WarningMessage} */ (message);
    else if (type === "error") this.error = message;
    else if (type === "info") {
      if (message.code === "restarted") this.#drop(stage);
      if (typeof message.message === "string") this.statusText = message.message;
    } else if (type === "end") {
      this.status = isEnded(message.status) ? message.status : "completed";
      this.#end(timestamp);
    }
  }

  /** Forgets everything of the transform: what follows begins at the beginning. */
  reset() {
    const { id, kind, session } = this;
    Object.assign(this, new SessionState(), { id, kind, session });
  }

  /** @param {Message} message */
  #begin({ kind, transformId, provider, model, stages, timestamp }) {
    this.transformId = transformId;
    this.kind = kind ?? this.kind;
    this.provider = provider;
    this.model = model;
    this.status = kind === "relay" ? "streaming" : "queued";
    this.startedAt = timestamp;
    if (Array.isArray(stages)) {
      this.stages = stages.filter((stage) => stage?.name).map((stage) => ({ ...stage, status: "pending" }));
    }
  }

  /**
   * @param {unknown} progress
   * @param {string | undefined} stage
   * @param {unknown} [label]
   * @param {unknown} [stageProgress]
   */
  #advance(progress, stage, label, stageProgress) {
    this.warning = undefined;
    if (typeof progress === "number") this.progress = Math.min(100, Math.max(this.progress, progress));
    if (typeof label === "string") this.statusText = label;
    if (!stage) return;
    this.stage = stage;
    this.#mark(stage, { status: "running", ...(typeof stageProgress === "number" && { progress: stageProgress }) });
  }

  /** @param {Message} message */
  #append({ stage, text }) {
    if (typeof text !== "string") return;
    this.texts = new Map(this.texts).set(stage ?? "", (this.texts.get(stage ?? "") ?? "") + text);
    this.#advance(undefined, stage);
  }

  /** @param {Message} message */
  #artifact({ artifactType: type, position, data }) {
    if (type === "idea") this.ideas = Object.assign([...this.ideas], { [Math.min(position ?? Infinity, this.ideas.length)]: data });
    else if (type !== "component") this.artifacts = [...this.artifacts, { type, position, data }];
    else {
      const { name, value } = data ?? {};
      this.components = { ...this.components, [name]: LISTS.has(name) ? [...(this.components[name] ?? []), value] : value };
    }
  }

  /** @param {Message} message */
  #complete({ stage, durationMs, progress }) {
    this.#advance(progress, undefined);
    this.#mark(stage, { status: "completed", progress: 100, durationMs });
  }

  /** @param {any} source a state or a `result`: whole, so it takes the place of what came one by one */
  #results({ ideas, components, artifacts }) {
    if (Array.isArray(ideas)) this.ideas = ideas;
    if (Array.isArray(artifacts)) this.artifacts = artifacts;
    if (components) this.components = components;
  }

  /** @param {number | undefined} at */
  #end(at) {
    this.endedAt = at;
    this.warning = undefined;
    this.statusText = "";
    const isDone = this.status === "completed";
    if (isDone) this.progress = 100;
    this.stages = this.stages.map((stage) => (isDone || stage.status === "running" ? { ...stage, status: isDone ? "completed" : "failed" } : stage));
  }

  /**
   * @param {string | undefined} name
   * @param {Partial<Stage>} news none of which concern a stage that is complete
   */
  #mark(name, news) {
    this.stages = this.stages.map((stage) => (stage.name === name && stage.status !== "completed" ? { ...stage, ...news } : stage));
  }

  /** @param {string | undefined} stage whose text begins anew */
  #drop(stage) {
    this.texts = new Map(this.texts);
    this.texts.delete(/** @type {string} */ (stage));
  }
}
