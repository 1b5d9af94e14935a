/**
 * What is passed on. `next` is the index that the leader expects; with it alone, a sign of life.
 * @typedef {{ next?: number, event?: { data: string, id: string }, state?: any, after?: string, ask?: boolean }} Word
 */
export class TabGroup {
    /**
     * @param {string} name the same for those who share
     * @param {(word: Word) => void} onWord of another tab
     * @param {() => void} onLead the lock has fallen to this tab
     */
    constructor(name: string, onWord: (word: Word) => void, onLead: () => void);
    leads: boolean;
    /** @param {Word} word */
    send(word: Word): void;
    leave(): void;
    #private;
}
/**
 * What is passed on. `next` is the index that the leader expects; with it alone, a sign of life.
 */
export type Word = {
    next?: number;
    event?: {
        data: string;
        id: string;
    };
    state?: any;
    after?: string;
    ask?: boolean;
};
