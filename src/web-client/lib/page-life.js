// What a page goes through that concerns a connection.

/**
 * @param {AbortSignal} signal ends the watching
 * @param {(wasOffline: boolean) => void} onBack visible again, or the network is there again
 * @param {() => void} onLeave into the back/forward cache, which takes no page that has a connection open
 * @param {() => void} onReturn out of it
 */
export function watchPage(signal, onBack, onLeave, onReturn) {
  const page = globalThis.window;
  page?.addEventListener("online", () => onBack(true), { signal });
  page?.addEventListener("pagehide", onLeave, { signal });
  page?.addEventListener("pageshow", onReturn, { signal });
  page?.document.addEventListener("visibilitychange", () => {
    if (page.document.visibilityState === "visible") onBack(false);
  }, { signal });
}
