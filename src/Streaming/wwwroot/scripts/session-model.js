// What is known of one session: the state as it was read, and every message applied to it since.

const COMPONENT_LISTS = new Set(["characters", "stages"]);

export class SessionModel {
  /** Raw model text of the running transform by stage, in the order the stages began. */
  texts = new Map();
  ideas = [];
  components = {};
  concepts = [];
  assets = [];
  choice = undefined;
  /** Newest picture by name, as SVG, and the newest of all. */
  previews = new Map();
  drawing = undefined;
  stages = [];
  progress = 0;
  statusText = "";
  warning = undefined;
  error = undefined;
  /** What the user said, as `{id, text, applied, late}`. */
  guidance = [];
  #transformId;
  #lastIndex = -1;

  /** Takes a state over; with `after` its chunks are only those that were not held yet. */
  read(state, { after }) {
    const streaming = state.streamingData;
    const same = after && streaming?.transformId === this.#transformId;
    this.#takeSession(state);
    this.ideas = [...(state.ideas ?? [])];
    this.components = structuredClone(state.components ?? {});
    this.concepts = [...(state.concepts ?? [])];
    this.assets = [...(state.assets ?? [])];
    this.choice = state.choice;
    this.guidance = (state.guidance ?? []).map((known) => ({ ...known }));
    this.error = state.error ?? undefined;
    this.text = state.text ?? undefined;
    if (!streaming) {
      this.end(state.status);
      return;
    }
    if (!same) this.#beginTransform(streaming.transformId);
    this.#takeStreaming(streaming);
  }

  apply(message) {
    if (message.index !== undefined) this.#lastIndex = message.index;
    handlers[message.type]?.(this, message);
  }

  #takeSession(state) {
    const { kind, id, status, provider, model, createdAt, updatedAt } = state;
    Object.assign(this, { kind, id, status, provider, model, createdAt, updatedAt });
    this.title = (kind === "outline" ? state.sourceArtifact?.title : state.userInput ?? state.brandName) ?? "";
    this.sourceText = state.sourceArtifact?.text ?? state.description;
    this.ideationId = state.sourceArtifact?.ideationId;
    this.ideaCount = state.ideaCount;
    this.facts = factsOf(state);
  }

  #beginTransform(transformId) {
    this.#transformId = transformId;
    this.#lastIndex = -1;
    this.texts = new Map();
    this.progress = 0;
    this.estimate = undefined;
    this.statusText = "";
    this.warning = undefined;
    this.startedAt = undefined;
  }

  #takeStreaming({ chunks = [], restarts = [], progress, stage, stages, statusText, estimate }) {
    if (stages?.length) this.stages = stages.map((known) => ({ ...known }));
    // Chunks of before a restart are not among these, but may be held: a poll would splice two texts.
    for (const { stage: restarted, index } of restarts) {
      if (index > this.#lastIndex) this.texts.delete(restarted);
    }
    for (const message of chunks) {
      this.startedAt ??= message.timestamp;
      if (message.index === undefined || message.index > this.#lastIndex) this.apply(message);
    }
    this.advance(progress, stage, statusText);
    if (estimate) this.estimate = estimate;
  }

  /** One that was carried over from an earlier run is known only from here on. */
  hear({ code, guidance = [] }) {
    for (const { id, text } of guidance) {
      let known = this.guidance.find((said) => said.id === id);
      if (!known) this.guidance.push(known = { id, text, applied: false });
      if (code === "guidance_applied") known.applied = true;
      if (code === "guidance_not_applied") known.late = true;
    }
  }

  begin({ transformId, provider, model, stages, timestamp }) {
    if (transformId !== this.#transformId) this.#beginTransform(transformId);
    this.status = "streaming";
    this.error = this.text = undefined;
    this.startedAt = timestamp;
    this.provider = provider ?? this.provider;
    this.model = model ?? this.model;
    if (stages) this.stages = stages.map((stage) => ({ ...stage, status: "pending" }));
  }

  /** Overall progress never goes backwards within a transform. */
  advance(progress, stageName, label) {
    if (Number.isFinite(progress)) this.progress = Math.min(100, Math.max(this.progress, progress));
    if (label) this.statusText = label;
    const stage = this.stages.find(({ name }) => name === stageName);
    if (stage && stage.status !== "completed") stage.status = "running";
  }

  completeStage(name) {
    const stage = this.stages.find((known) => known.name === name);
    if (stage) stage.status = "completed";
  }

  end(status) {
    this.status = status ?? this.status;
    this.warning = undefined;
    this.statusText = "";
    if (this.status === "completed") this.progress = 100;
    for (const stage of this.stages) {
      if (this.status === "completed") stage.status = "completed";
      else if (stage.status === "running") stage.status = this.status;
    }
  }

  /** Everything rendered so far was of another stream. */
  reset() {
    this.#beginTransform(undefined);
    this.ideas = [];
    this.components = {};
    this.concepts = [];
    this.assets = [];
    this.choice = undefined;
    this.stages = [];
    this.error = this.text = undefined;
  }

  addArtifact({ artifactType, position, data }) {
    if (!data) return;
    if (artifactType === "idea") place(this.ideas, position, data);
    else if (artifactType === "concept") place(this.concepts, position, data);
    else if (artifactType === "choice") this.choice = data;
    else if (artifactType === "asset" && !this.assets.some(({ name }) => name === data.name)) this.assets.push(data);
    else if (artifactType === "component") this.#addComponent(position, data);
  }

  #addComponent(position, { name, value }) {
    if (COMPONENT_LISTS.has(name)) place(this.components[name] ??= [], position, value);
    else this.components[name] = value;
  }
}

const handlers = {
  start: (model, message) => model.begin(message),
  progress: (model, { progress, stage, label, estimate }) => {
    if (estimate) model.estimate = estimate;
    model.warning = undefined;
    model.advance(progress, stage, label);
  },
  chunk: (model, { stage, text }) => {
    model.warning = undefined;
    model.texts.set(stage, (model.texts.get(stage) ?? "") + text);
    model.advance(undefined, stage);
  },
  artifact: (model, message) => model.addArtifact(message),
  preview: (model, { name, contentType, data }) => {
    if (contentType !== "image/svg+xml" || !data) return;
    model.previews.set(name, data);
    model.drawing = data;
  },
  stage_complete: (model, { stage, progress }) => {
    model.completeStage(stage);
    model.advance(progress);
  },
  result: (model, { ideas, components }) => {
    if (Array.isArray(ideas)) model.ideas = ideas;
    if (components) model.components = components;
  },
  status: (model, { reset, status }) => {
    if (reset) model.reset();
    if (status) model.status = status;
  },
  info: (model, { code, stage, message, guidance }) => {
    if (code === "restarted") model.texts.delete(stage);
    model.hear({ code, guidance });
    if (message) model.statusText = message;
  },
  warning: (model, { message }) => { model.warning = message; },
  error: (model, { code, category, message, recoverable }) => {
    model.error = { code, category, message, recoverable };
  },
  end: (model, { status, timestamp }) => {
    // Until the state is read again: what was being written must not vanish in between.
    if (status !== "completed") model.text ??= [...model.texts.values()].at(-1);
    model.end(status);
    model.updatedAt = timestamp ?? model.updatedAt;
  },
};

/** A repeated position replaces (a stage was run again); anything beyond the end is the next one. */
function place(list, position, value) {
  if (position < list.length) list[position] = value;
  else list.push(value);
}

function factsOf({ selectedPlatform, genrePaths, genreProportions, totalEpisodes, episodeDuration }) {
  const genres = (genrePaths ?? []).map((path, at) => {
    const share = genreProportions?.[at];
    return [path].flat().join(" / ") + (share === undefined ? "" : ` ${share}%`);
  });
  return [
    selectedPlatform,
    ...genres,
    totalEpisodes ? `${totalEpisodes} episodes` : undefined,
    episodeDuration ? `${episodeDuration} min each` : undefined,
  ].filter(Boolean);
}
