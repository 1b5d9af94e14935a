/**
 * @param {AbortSignal} signal ends the watching
 * @param {(wasOffline: boolean) => void} onBack visible again, or the network is there again
 * @param {() => void} onLeave into the back/forward cache, which takes no page that has a connection open
 * @param {() => void} onReturn out of it
 */
export function watchPage(signal: AbortSignal, onBack: (wasOffline: boolean) => void, onLeave: () => void, onReturn: () => void): void;
