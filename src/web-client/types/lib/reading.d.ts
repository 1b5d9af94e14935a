export class Reading {
    /** @param {StreamCallbacks} callbacks */
    constructor(callbacks: StreamCallbacks);
    state: SessionState;
    /** @type {string | undefined} */ cursor: string | undefined;
    /** @type {number | undefined} index of the next message, if that is known */ next: number | undefined;
    /** @type {Connection | undefined} */ connection: Connection | undefined;
    get isEnded(): boolean;
    /** @param {string | undefined} eventId */
    goOnAfter(eventId: string | undefined): void;
    /**
     * Whether a message is the next one. What cannot be read, or was read before, is passed over.
     * @param {{ data: string, id: string }} event
     * @returns {Message | "gap" | undefined}
     */
    accept({ data, id }: {
        data: string;
        id: string;
    }): Message | "gap" | undefined;
    /**
     * @param {Message} message
     * @param {string} id
     * @returns {Message | "gap" | undefined}
     */
    check(message: Message, id: string): Message | "gap" | undefined;
    /** @param {Message} message that was accepted */
    tell(message: Message): void;
    /**
     * Takes a state over.
     * @param {State} state
     * @param {string | undefined} after what its chunks follow
     */
    adopt(state: State, after: string | undefined): void;
    /** @param {Message} end */
    finish(end: Message): void;
    /** @param {Connection} connection */
    connect(connection: Connection): void;
    /**
     * @param {string} name
     * @param {any} news
     */
    call(name: string, news: any): void;
    #private;
}
export type Message = import("./messages.js").Message;
export type State = import("./messages.js").State;
export type StreamCallbacks = import("./stream-processor.js").StreamCallbacks;
export type Connection = import("./stream-processor.js").Connection;
import { SessionState } from "./session-state.js";
