/**
 * @typedef {object} UploadOptions
 * @property {string} [baseUrl] of the service; default this origin
 * @property {import("./lib/stream-processor.js").GetToken} [getToken] as for a stream
 * @property {typeof fetch} [fetch]
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} [storage] where addresses of uploads are kept, so that a later page
 *   goes on with them; default `localStorage`, null: nowhere
 * @property {(sent: number, size: number) => void} [onProgress] bytes that the service has for sure
 * @property {(problem: Error | undefined, waitMs: number) => void} [onInterrupted] it will be tried again; undefined: it goes on
 * @property {AbortSignal} [signal] stops it; what came so far is kept for a time
 */
/**
 * @typedef {object} UploadedFile
 * @property {string} id
 * @property {string} url of its state
 */
/**
 * Uploads a file, or goes on with its upload: over cuts, restarts and reloads, for as long as it takes. A file that was uploaded before is not
 * sent again.
 * @param {File} file
 * @param {UploadOptions} [options]
 * @returns {Promise<UploadedFile>} when all bytes are stored
 * @throws {StreamProblem} the service refuses it
 */
export function uploadFile(file: File, options?: UploadOptions): Promise<UploadedFile>;
export type UploadOptions = {
    /**
     * of the service; default this origin
     */
    baseUrl?: string | undefined;
    /**
     * as for a stream
     */
    getToken?: import("./lib/stream-processor.js").GetToken | undefined;
    fetch?: typeof fetch | undefined;
    /**
     * where addresses of uploads are kept, so that a later page
     * goes on with them; default `localStorage`, null: nowhere
     */
    storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null | undefined;
    /**
     * bytes that the service has for sure
     */
    onProgress?: ((sent: number, size: number) => void) | undefined;
    /**
     * it will be tried again; undefined: it goes on
     */
    onInterrupted?: ((problem: Error | undefined, waitMs: number) => void) | undefined;
    /**
     * stops it; what came so far is kept for a time
     */
    signal?: AbortSignal | undefined;
};
export type UploadedFile = {
    id: string;
    /**
     * of its state
     */
    url: string;
};
