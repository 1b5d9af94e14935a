/**
 * @param {{ onBack: (wasOffline: boolean) => void, onLeave: () => void, onReturn: () => void }} handlers
 *   `onBack`: visible again, or the network is there again; `onLeave`, `onReturn`: into and out of the back/forward cache,
 *   which takes no page that has a connection open
 * @returns {() => void} stops watching
 */
export function watchPage({ onBack, onLeave, onReturn }: {
    onBack: (wasOffline: boolean) => void;
    onLeave: () => void;
    onReturn: () => void;
}): () => void;
