// How long to wait before the next try. Full jitter, so that the readers of a server that
// came back do not all return in the same moment.

const DELAY_MS_FIRST = 500;
const DELAY_MS_MAX = 15_000;

/** Milliseconds to wait after `failures` failed tries in a row (1 or more). */
export function backoffMs(failures) {
  const ceiling = Math.min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** (failures - 1));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
