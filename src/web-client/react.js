import { useEffect, useState } from "react";
import { StreamProcessor } from "./lib/stream-processor.js";

/** @typedef {import("./lib/stream-processor.js").StreamOptions} StreamOptions */
/** @typedef {import("./lib/session-state.js").SessionState} SessionState */

const UPDATE_MS = 40; // text comes faster than anybody reads; a page need not be drawn for each message

/**
 * @typedef {object} StreamingData
 * @property {SessionState | undefined} data what is known; a new object whenever it has changed, undefined until the
 *   state was read
 * @property {import("./lib/stream-processor.js").Connection} connection
 * @property {Error | undefined} problem for which the session cannot be read; that it has failed is in `data.error`
 * @property {boolean} isEnded
 * @property {() => void} refresh reads everything anew, as after a retry
 */

/**
 * Watches a session for as long as the component is there.
 * @param {string} type kind of the session, such as `ideation`
 * @param {string | null | undefined} id none: nothing is watched
 * @param {StreamOptions & { baseUrl?: string, requestInit?: RequestInit }} [options] taken when the watching begins;
 *   `baseUrl` of the service: default this origin
 * @returns {StreamingData}
 */
export function useStreamingData(type, id, options) {
  const [view, setView] = useState(/** @type {Omit<StreamingData, "refresh" | "isEnded">} */ (NOTHING));
  const [round, setRound] = useState(0);

  useEffect(() => {
    setView(NOTHING);
    if (!id) return undefined;
    const { baseUrl = "", requestInit, ...rest } = options ?? {};
    const processor = new StreamProcessor({ from: "state", ...rest });
    const leaving = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    /** @type {Error | undefined} */
    let problem;
    const show = () => {
      clearTimeout(timer);
      timer = undefined;
      if (leaving.signal.aborted) return;
      const { state, connection = "connecting" } = processor;
      setView({ data: state?.status ? state.snapshot() : undefined, connection, problem });
    };
    const later = () => { timer ??= setTimeout(show, UPDATE_MS); };
    const url = `${baseUrl}/api/stream/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
    processor.processStream(url, { onUpdate: later, onConnection: later }, { ...requestInit, signal: leaving.signal })
      .catch((fault) => { problem = fault; })
      .finally(show);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [type, id, options?.baseUrl, round]);

  return { ...view, isEnded: view.data?.isEnded ?? false, refresh: () => setRound((last) => last + 1) };
}

/** @type {{ data: undefined, connection: "connecting", problem: undefined }} */
const NOTHING = { data: undefined, connection: "connecting", problem: undefined };
