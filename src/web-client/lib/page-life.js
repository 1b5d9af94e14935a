// What a page goes through that concerns a connection.

/**
 * @param {(wasOffline: boolean) => void} onBack visible again, or the network is there again
 * @param {() => void} onLeave into the back/forward cache, which takes no page that has a connection open
 * @param {() => void} onReturn out of it
 * @returns {() => void} stops watching
 */
export function watchPage(onBack, onLeave, onReturn) {
  const page = globalThis.window;
  const watching = new AbortController();
  const { signal } = watching;
  page?.addEventListener("online", () => onBack(true), { signal });
  page?.addEventListener("pagehide", onLeave, { signal });
  page?.addEventListener("pageshow", onReturn, { signal });
  page?.document.addEventListener("visibilitychange", () => {
    if (page.document.visibilityState === "visible") onBack(false);
  }, { signal });
  return () => watching.abort();
}
