// What the page shows of one session: the client's state of it, what was asked, what the user has said, and the
// parts of a logo.

const LIVE = new Set(["queued", "streaming", "paused"]);

export function isLive(status) {
  return LIVE.has(status);
}

export class SessionModel {
  /** What the user said, as `{id, text, applied, late}`. */
  guidance = [];
  concepts = [];
  assets = [];
  choice = undefined;
  /** What a document was condensed to. */
  summary = undefined;
  /** Of an analysis: as in its state. */
  analysis = { suggestions: [], rejected: [] };
  /** Newest picture by the name of its file, as SVG, and the newest of all, both of this transform. */
  previews = new Map();
  drawing = undefined;
  #state;

  /** Takes over the client's state, which has changed. */
  take(state) {
    if (this.transformId !== state.transformId) {
      // Of an earlier try.
      this.previews = new Map();
      this.drawing = undefined;
    }
    if (state.session !== this.session) this.#takeSession(state.session);
    this.#state = state;
    Object.assign(this, state);
    this.#takeLogo(state);
    this.summary = state.result?.summary ?? state.artifacts.findLast(({ type }) => type === "source")?.data.text ?? state.session.summary;
    this.#takeAnalysis(state);
  }

  /** Hears what the client's state does not keep, before `take`. */
  hear({ type, code, guidance = [], name, contentType, data }) {
    if (type === "info") this.#hearGuidance(code, guidance);
    if (type !== "preview" || contentType !== "image/svg+xml" || !data) return;
    this.previews.set(name, data);
    this.drawing = data;
  }

  /** By the server's clock, until the end; in ms. */
  get elapsedMs() {
    return this.#state?.elapsedMs;
  }

  /** The server's clock now, as well as it is known; in ms. */
  get serverNow() {
    return Date.now() - (this.skewMs ?? 0);
  }

  /** What had been generated when it stopped short; nothing of one that was completed. */
  get leftovers() {
    return isLive(this.status) || this.status === "completed" ? new Map() : this.texts;
  }

  #takeSession(session) {
    const { kind, createdAt, sourceArtifact: source, userInput, brandName, description, ideaCount, context, image } = session;
    this.createdAt = createdAt;
    this.title = (kind === "outline" ? source?.title : userInput ?? brandName ?? context ?? (image && "What is in this picture?")) ?? "";
    this.sourceText = source?.text ?? description;
    this.ideationId = source?.ideationId;
    this.ideaCount = ideaCount;
    this.facts = [...documentFacts(source), ...factsOf(session)];
    this.guidance = (session.guidance ?? []).map((known) => ({ ...known }));
  }

  /** The result is whole; until then what was read, and what has come since. */
  #takeLogo({ session, artifacts, result }) {
    const since = (type) => (result ? [] : artifacts.filter((artifact) => artifact.type === type));
    const known = result ?? session;
    this.concepts = since("concept").reduce(placed, known.concepts ?? []);
    this.choice = since("choice").at(-1)?.data ?? known.choice;
    this.assets = since("asset").reduce(named, known.assets ?? []);
  }

  /** What comes one by one is taken until the whole is there. */
  #takeAnalysis({ session, artifacts, result }) {
    const since = (type) => (result ? undefined : artifacts.findLast((artifact) => artifact.type === type)?.data);
    const known = result ?? session;
    const { strategy, why, predictedMs } = since("strategy") ?? known;
    const { elapsedMs, withinBudget } = since("outcome") ?? known;
    const validation = since("validation");
    const byPosition = new Map([...(known.suggestions ?? []), ...(result ? [] : artifacts.filter(({ type }) => type === "suggestion").map(({ data }) => data))]
      .map((suggestion) => [suggestion.position, suggestion]));
    const suggestions = [...byPosition.values()].sort((one, other) => one.position - other.position);
    this.analysis = {
      strategy, why, predictedMs, elapsedMs, withinBudget,
      budgetMs: session.budgetMs,
      image: session.image,
      seen: since("image_analysis") ?? known.imageAnalysis,
      situation: since("situation") ?? known.situation,
      cache: since("cache")?.source ?? known.cache,
      suggestions: validation ? suggestions.filter(({ position }) => validation.accepted.includes(position)) : suggestions,
      rejected: validation?.rejected ?? known.rejected ?? [],
    };
  }

  /** One that was carried over from an earlier run is known only from here on. */
  #hearGuidance(code, guidance) {
    for (const { id, text } of guidance) {
      let known = this.guidance.find((said) => said.id === id);
      if (!known) this.guidance.push(known = { id, text, applied: false });
      if (code === "guidance_applied") known.applied = true;
      if (code === "guidance_not_applied") known.late = true;
    }
  }
}

/** A repeated position replaces (a stage was run again); anything beyond the end is the next one. */
function placed(list, { position, data }) {
  return Object.assign([...list], { [Math.min(position, list.length)]: data });
}

/** A repeated name replaces. */
function named(list, { data }) {
  const at = list.findIndex(({ name }) => name === data.name);
  return at < 0 ? [...list, data] : list.with(at, data);
}

function documentFacts(source) {
  return source?.fileId ? [source.name, source.size < 1e6 ? `${Math.ceil(source.size / 1e3)} kB` : `${(source.size / 1e6).toFixed(1)} MB`] : [];
}

function factsOf({ priority, budgetMs, image, selectedPlatform, genrePaths, genreProportions, totalEpisodes, episodeDuration }) {
  const genres = (genrePaths ?? []).map((path, at) => {
    const share = genreProportions?.[at];
    return [path].flat().join(" / ") + (share === undefined ? "" : ` ${share}%`);
  });
  return [
    selectedPlatform,
    ...genres,
    image ? `${image.width} × ${image.height}` : undefined,
    budgetMs ? `${priority}: ${budgetMs / 1_000} s` : undefined,
    totalEpisodes ? `${totalEpisodes} episodes` : undefined,
    episodeDuration ? `${episodeDuration} min each` : undefined,
  ].filter(Boolean);
}
