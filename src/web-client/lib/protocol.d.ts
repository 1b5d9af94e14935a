// The messages of a stream, made from the records of src/Streaming.Protocol. Do not edit: run the tests with UPDATE_SNAPSHOTS=1.
// Each may have more fields than are here; pass those over, and messages of other types.

/** First message of every transform, written together with it. */
export type StartMessage = {
  type: "start";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** Kind of the session: `ideation`, `outline`, `logo`, `upload`, `analysis`, `relay`. */
  kind: string;
  /** The transform that this stream shows. */
  transformId: string;
  /** Who generates: `offline`, `openai`, `anthropic`; none for a relay. */
  provider?: string;
  /** Model name at that provider; none for a relay. */
  model?: string;
  /** Stages in order. */
  stages: StageInfo[];
};

/** How far the run has come. */
export type ProgressMessage = {
  type: "progress";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** The running stage. */
  stage: string;
  /** 0-100 of that stage. */
  stageProgress: number;
  /** 0-100 of the whole; never less than in an earlier message. */
  progress: number;
  /** What is being done, for a person. */
  label: string;
  /** How long it still takes. */
  estimate?: TimeEstimate;
};

/** A piece of generated text. */
export type ChunkMessage = {
  type: "chunk";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** The stage that it belongs to; a relay's, and an imported one, may have none. */
  stage?: string;
  /** The text. */
  text: string;
};

/** A durable result, stored in the same transaction as this message. */
export type ArtifactMessage = {
  type: "artifact";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** `idea`, `component`, or one of a logo's or an analysis'. */
  artifactType: string;
  /** Its id. */
  artifactId: string;
  /** Its place among those of its type. */
  position: number;
  /** The artifact itself. */
  data: any;
};

/** What the result looks like by now: a picture or a page to show, replaced by the next one. */
export type PreviewMessage = {
  type: "preview";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** The stage that made it. */
  stage: string;
  /** What it shows; a preview replaces the one of the same name. */
  name: string;
  /** `image/svg+xml`, `image/png`, `text/html`. */
  contentType: string;
  /** In CSS pixels; none for a page. */
  width?: number;
  /** In CSS pixels; none for a page. */
  height?: number;
  /** SVG or HTML as text; none for a PNG, and for what is too large for a message. */
  data?: string;
  /** Where its file can be downloaded, if it is one. */
  url?: string;
};

/** A stage is complete. */
export type StageCompleteMessage = {
  type: "stage_complete";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** The stage that is complete. */
  stage: string;
  /** How long its last attempt took, in milliseconds. */
  durationMs: number;
  /** 0-100 of the whole. */
  progress: number;
};

/** The finished result, in the shape that the session's state has it. */
export type ResultMessage = {
  type: "result";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** Of an ideation. */
  ideas?: Idea[];
  /** Of an outline. */
  components?: OutlineComponents;
  /** Of a logo: what it has to say. So are those that follow. */
  brief?: any;
  /** The drafts, in order. */
  concepts?: LogoConcept[];
  /** The concept that was drawn, and why. */
  choice?: LogoChoice;
  /** The files, in order. */
  assets?: LogoAsset[];
  /** Of an analysis: what was accepted, in order. */
  suggestions?: Suggestion[];
};

/** Why the transform failed. `end` follows. */
export type ErrorMessage = {
  type: "error";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** Stable code, see docs/protocol.md. */
  code: string;
  /** `provider, rate_limit, timeout, invalid_input, invalid_output, storage, cancelled, worker_lost, internal`. */
  category: "provider" | "rate_limit" | "timeout" | "invalid_input" | "invalid_output" | "storage" | "cancelled" | "worker_lost" | "internal";
  /** For a person. */
  message: string;
  /** Whether trying again may help. */
  recoverable: boolean;
  /** When, if that is known. */
  retryAfterMs?: number;
  /** The stage in which it happened. */
  stage?: string;
  /** Trace id (W3C Trace Context) by which an operator finds it in logs and traces. */
  traceId?: string;
};

/** Something failed and is being tried again. */
export type WarningMessage = {
  type: "warning";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** Stable code, see docs/protocol.md. */
  code: string;
  /** As in ErrorMessage. */
  category: "provider" | "rate_limit" | "timeout" | "invalid_input" | "invalid_output" | "storage" | "cancelled" | "worker_lost" | "internal";
  /** For a person. */
  message: string;
  /** The stage in which it happened. */
  stage: string;
  /** Which try failed, from 1. */
  attempt: number;
  /** When the next one follows. */
  retryAfterMs: number;
};

/** Something to know. Code `restarted`: the text of `stage` begins anew, drop what came before. */
export type InfoMessage = {
  type: "info";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** Stable code, see docs/protocol.md. */
  code: string;
  /** For a person. */
  message: string;
  /** The stage that it is about. */
  stage?: string;
  /** What the user has said, with the codes `guidance_…`. */
  guidance?: Guidance[];
};

/** What an earlier session of the same user has made is used again. A relay may send it with what it likes. */
export type CacheMessage = {
  type: "cache";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** `full`: all of it; `partial`: what was seen in the same picture. */
  source?: string;
};

/** There was nothing to say for a while; it shows that the connection lives. */
export type HeartbeatMessage = {
  type: "heartbeat";
  index?: never;
  /** When, in Unix milliseconds. */
  timestamp: number;
};

/** The transform's status has changed. */
export type StatusMessage = {
  type: "status";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** `streaming` when a worker has taken it, `paused`, or `queued` when it was resumed. */
  status: "queued" | "streaming" | "paused";
  /** 1 for the first worker, more after a recovery. */
  attempt?: number;
};

/** On a connection of several sessions: this one is no more. */
export type DeletedMessage = {
  type: "status";
  index?: never;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** `deleted`. */
  code: "deleted";
  /** The session. */
  sessionId: string;
};

/** This connection is about to be cut. Come again, with the same cursor. */
export type ReconnectMessage = {
  type: "status";
  index?: never;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** True. */
  reconnect: true;
  /** The limit that sends the reader away, see docs/protocol.md; none if the service stops. */
  code?: string;
  /** The session; none on a connection of several. */
  sessionId?: string;
};

/** Forget everything of the session: what follows begins at the beginning. */
export type ResetMessage = {
  type: "status";
  index?: never;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** True. */
  reset: true;
  /** The session. */
  sessionId: string;
};

/** Last message of every transform. */
export type EndMessage = {
  type: "end";
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
  /** `completed`, `failed` or `cancelled`. */
  status: "completed" | "failed" | "cancelled";
};

/** A message of a type that this schema does not know: to be passed over. */
export type OtherMessage = {
  type: string;
  /** Its place in the stream of its transform. */
  index: number;
  /** In a frame that stands for several messages: index of the first. */
  first?: number;
  /** The session. */
  sessionId: string;
  /** When, in Unix milliseconds. */
  timestamp: number;
};

/** What a user has said to guide a generation. */
export type Guidance = {
  /** As in the state. */
  id: string;
  /** What was said. */
  text: string;
};

/** One idea. */
export type Idea = {
  title: string;
  body: string;
};

/** A file of a logo. */
export type LogoAsset = {
  /** Name of the file. */
  name: string;
  /** `image/svg+xml`, `image/png`, `text/html`. */
  contentType: string;
  /** Size of the file. */
  bytes: number;
  /** In pixels; null for a page. */
  width: number | null;
  /** In pixels; null for a page. */
  height: number | null;
  /** Its artifact. */
  artifactId: string;
  /** Where to download it. */
  url: string;
};

/** Which concept is drawn, and why. */
export type LogoChoice = {
  /** Its number. */
  concept: number;
  /** For a person. */
  reason: string;
};

/** A draft of a logo, and its file. */
export type LogoConcept = {
  /** 1 to 3. */
  number: number;
  /** What to call it. */
  title: string;
  /** What it is about. */
  idea: string;
  /** Its colours. */
  palette: string[];
  /** Name of its file; so on as for an asset. */
  name: string;
  /** `image/svg+xml`. */
  contentType: string;
  /** Size of the file. */
  bytes: number;
  /** In CSS pixels. */
  width: number | null;
  /** In CSS pixels. */
  height: number | null;
  /** Its artifact. */
  artifactId: string;
  /** Where to download it. */
  url: string;
};

/** The parts of an outline; each is there when it is complete, and the arrays grow. */
export type OutlineComponents = {
  title?: string;
  genre?: string;
  sellingPoints?: string;
  setting?: string;
  synopsis?: string;
  characters: any[];
  stages: any[];
};

/** A stage as announced: its name, what to call it, and its share of the whole (any scale). */
export type StageInfo = {
  name: string;
  label: string;
  weight: number;
};

/** What the user could say or do next. */
export type Suggestion = {
  /** Its place, from 0. */
  position: number;
  /** The suggestion. */
  text: string;
  /** Why it fits; none where a strategy asks for few words. */
  reason?: string;
};

/** How long a run still takes, and how far to trust that. What is not known is absent, and `reason` says why. */
export type TimeEstimate = {
  /** When this was so, Unix milliseconds: count down from here. */
  at: number;
  /** Since the worker began. */
  elapsedMs: number;
  /** As often too short as too long; rises only with `raised`. */
  remainingMs?: number;
  /** Nine of ten runs are over within it. */
  remainingP90Ms?: number;
  /** Probability, 0-1, that elapsed and remaining together are within 20 % of what it takes. */
  reliability?: number;
  /** Stable code, see docs/protocol.md. */
  reason?: string;
  /** Why the remaining time is more than was said before; stable code. */
  raised?: string;
};

/** A message of a type that is known. `OtherMessage` is one that is not. */
export type Message =
  | StartMessage
  | ProgressMessage
  | ChunkMessage
  | ArtifactMessage
  | PreviewMessage
  | StageCompleteMessage
  | ResultMessage
  | ErrorMessage
  | WarningMessage
  | InfoMessage
  | CacheMessage
  | HeartbeatMessage
  | StatusMessage
  | DeletedMessage
  | ReconnectMessage
  | ResetMessage
  | EndMessage;
