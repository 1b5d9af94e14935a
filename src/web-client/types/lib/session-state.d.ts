export class SessionState {
    /** @type {string | undefined} */ id: string | undefined;
    /** @type {string | undefined} */ kind: string | undefined;
    /** @type {string | undefined} `queued`, `streaming`, `paused`, `completed`, `failed`, `cancelled` */ status: string | undefined;
    /** @type {string | undefined} */ provider: string | undefined;
    /** @type {string | undefined} */ model: string | undefined;
    /** 0-100 of the whole; never less than before within a transform. */
    progress: number;
    /** @type {string | undefined} the stage that runs */ stage: string | undefined;
    /** What is being done, for a person. */
    statusText: string;
    /** @type {Stage[]} */ stages: Stage[];
    /** @type {Map<string, string>} raw text by stage, in the order the stages began */ texts: Map<string, string>;
    /** @type {any[]} */ ideas: any[];
    /** @type {Record<string, any>} */ components: Record<string, any>;
    /** @type {{ type: string, position?: number, data: any }[]} those of other types */ artifacts: {
        type: string;
        position?: number;
        data: any;
    }[];
    /** @type {PreviewMessage | undefined} the newest */ preview: PreviewMessage | undefined;
    /** @type {ResultMessage | undefined} the message, if there was one */ result: ResultMessage | undefined;
    /** @type {TimeEstimate | null} as the service says it; null is unknown */ estimate: TimeEstimate | null;
    /** @type {WarningMessage | undefined} until work goes on */ warning: WarningMessage | undefined;
    /** @type {any} why it failed */ error: any;
    /** @type {string | undefined} */ lastEventId: string | undefined;
    /** @type {number | undefined} ms, the server's clock */ startedAt: number | undefined;
    /** @type {number | undefined} ms, the server's clock */ endedAt: number | undefined;
    /** @type {State | undefined} as it was last read; what was asked for is in it */ session: State | undefined;
    /** @type {string | undefined} */ transformId: string | undefined;
    /** @type {number | undefined} client's clock less the server's: the least that was ever seen has the least of the way in it */
    skewMs: number | undefined;
    get isEnded(): boolean;
    /** A copy that further messages leave as it is: whatever changes is replaced, and not changed. */
    snapshot(): SessionState & this;
    /**
     * How long it has run, by the server's clock, and until it ended.
     * @returns {number | undefined} ms
     */
    get elapsedMs(): number | undefined;
    /**
     * Takes over what was read.
     * @param {State} state
     * @param {boolean} onlyNews its chunks are those after `lastEventId` (`?after=`)
     * @returns {Message[]} the chunks that are new, already applied
     */
    read(state: State, onlyNews: boolean): Message[];
    /** @param {Message} message the next one */
    apply(message: Message): void;
    /** Forgets everything of the transform: what follows begins at the beginning. */
    reset(): void;
    #private;
}
export type Message = import("./messages.js").Message;
export type PreviewMessage = import("streaming-web-client/protocol").PreviewMessage;
export type ResultMessage = import("streaming-web-client/protocol").ResultMessage;
export type WarningMessage = import("streaming-web-client/protocol").WarningMessage;
export type TimeEstimate = import("streaming-web-client/protocol").TimeEstimate;
export type State = import("./messages.js").State;
export type Stage = import("./messages.js").Stage;
