export class Watch {
    /**
     * @param {Reading} reading gets what is read
     * @param {StreamOptions} options
     * @param {RequestInit} requestInit
     */
    constructor(reading: Reading, options: StreamOptions, requestInit: RequestInit);
    /** @param {unknown} [reason] */
    close(reason?: unknown): void;
    /**
     * @param {string | URL | Response | ReadableStream} source
     * @returns {Promise<void>} to its end
     */
    run(source: string | URL | Response | ReadableStream): Promise<void>;
    #private;
}
export type StreamOptions = import("./stream-processor.js").StreamOptions;
export type Reading = import("./reading.js").Reading;
