// One window of a browser at a time may stream: all of them share its few connections to a server.

const NAME = "jaego-streams";
/** Only pages of a safe origin have locks. */
const locks: LockManager | undefined = navigator.locks;
export const shared = locks !== undefined;

let asking: AbortController | null = null;
let leave: (() => void) | null = null;

/** Whether this window may stream now; always where windows can not agree. */
export const ours = (): boolean => !shared || leave !== null;

/** Stands in the queue, and says when its turn has come. */
export function queue(come: () => void): void {
  if (!locks || asking || leave) return;
  const mine = new AbortController();
  asking = mine;
  const hold = () => new Promise<void>((done) => {
    if (mine.signal.aborted) return done();
    asking = null;
    leave = done;
    come();
  });
  locks.request(NAME, { signal: mine.signal }, hold).catch(() => {
    // Given up while waiting, or refused by the browser: this window goes on polling.
    if (asking === mine) asking = null;
  });
}

/** Leaves the turn, or the queue, to the next window. */
export function pass(): void {
  asking?.abort();
  leave?.();
  asking = leave = null;
}
