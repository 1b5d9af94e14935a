// What a page goes through that concerns a connection.

/**
 * @param {{ onBack: (wasOffline: boolean) => void, onLeave: () => void, onReturn: () => void }} handlers
 *   `onBack`: visible again, or the network is there again; `onLeave`, `onReturn`: into and out of the back/forward cache,
 *   which takes no page that has a connection open
 * @returns {() => void} stops watching
 */
export function watchPage({ onBack, onLeave, onReturn }) {
  const page = globalThis.window;
  if (!page) return () => {};
  const watching = new AbortController();
  const { signal } = watching;
  page.addEventListener("online", () => onBack(true), { signal });
  page.addEventListener("pagehide", onLeave, { signal });
  page.addEventListener("pageshow", onReturn, { signal });
  page.document.addEventListener("visibilitychange", () => {
    if (page.document.visibilityState === "visible") onBack(false);
  }, { signal });
  return () => watching.abort();
}
