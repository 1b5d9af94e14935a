export { StreamProcessor } from "./lib/stream-processor.js";
export { SessionState } from "./lib/session-state.js";
export { SseParser } from "./lib/sse-parser.js";
export { StreamProblem } from "./lib/problem.js";

/** @typedef {import("./lib/stream-processor.js").StreamOptions} StreamOptions */
/** @typedef {import("./lib/stream-processor.js").StreamCallbacks} StreamCallbacks */
/** @typedef {import("./lib/stream-processor.js").Connection} Connection */
/** @typedef {import("./lib/messages.js").Message} Message */
/** @typedef {import("./lib/messages.js").KnownMessage} KnownMessage */
/** @typedef {import("./lib/messages.js").State} State */
