/**
 * @param {(wasOffline: boolean) => void} onBack visible again, or the network is there again
 * @param {() => void} onLeave into the back/forward cache, which takes no page that has a connection open
 * @param {() => void} onReturn out of it
 * @returns {() => void} stops watching
 */
export function watchPage(onBack: (wasOffline: boolean) => void, onLeave: () => void, onReturn: () => void): () => void;
