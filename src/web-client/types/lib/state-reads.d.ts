export class StateReads {
    /**
     * @param {import("./requests.js").Requests} requests
     * @param {string} url
     * @param {import("./reading.js").Reading} reading takes over what is read
     */
    constructor(requests: import("./requests.js").Requests, url: string, reading: import("./reading.js").Reading);
    /**
     * Reads the state, or what is new in it.
     * @param {AbortSignal} signal
     * @param {number} waitSeconds for news, that the service may take; 0: the state as it is
     * @returns {Promise<import("./tab-group.js").Word>} the same for another tab
     */
    read(signal: AbortSignal, waitSeconds: number): Promise<import("./tab-group.js").Word>;
    /**
     * Whether there is news that the stream does not deliver.
     * @param {AbortSignal} signal
     */
    isAhead(signal: AbortSignal): Promise<boolean>;
    #private;
}
