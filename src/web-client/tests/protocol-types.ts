// Compiled and not run: the types of the messages tell them apart, and know their fields.
import type { Message } from "streaming-web-client/protocol";
import { SessionState } from "streaming-web-client";

export function textOf(message: Message): string {
  switch (message.type) {
    case "chunk": return message.text;
    // @ts-expect-error: text is a chunk's.
    case "end": return message.text;
    case "progress": return `${message.progress.toFixed()} ${message.estimate?.remainingMs ?? message.estimate?.reason}`;
    case "status": return message.index === undefined ? "connection" : message.status;
    case "result": return `${message.ideas?.[0].title} ${message.assets?.[0].width ?? "a page"}`;
    // @ts-expect-error: there is no such type.
    case "chunks": return "";
    default: return `${message.timestamp}`;
  }
}

export function previewOf(state: SessionState): string {
  // @ts-expect-error: a preview has no text.
  return state.preview?.data ?? state.preview?.text ?? "";
}

// @ts-expect-error: no sessionId.
export const withFieldMissing: Message = { type: "chunk", index: 1, timestamp: 2, text: "" };
