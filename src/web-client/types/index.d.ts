export { StreamProcessor } from "./lib/stream-processor.js";
export { SessionState } from "./lib/session-state.js";
export { SseParser } from "./lib/sse-parser.js";
export { StreamProblem } from "./lib/problem.js";
export type StreamOptions = import("./lib/stream-processor.js").StreamOptions;
export type StreamCallbacks = import("./lib/stream-processor.js").StreamCallbacks;
export type Connection = import("./lib/stream-processor.js").Connection;
export type Message = import("./lib/messages.js").Message;
export type State = import("./lib/messages.js").State;
