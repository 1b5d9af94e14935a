// Times in the reader's own language and zone.

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function dateTime(value) {
  return absolute.format(new Date(value));
}

export function clockTime(value) {
  return clock.format(new Date(value));
}

/** "5 minutes ago" for what is recent, the date for what is not. */
export function timeAgo(value) {
  const ageMs = Date.now() - new Date(value).getTime();
  if (ageMs < MINUTE_MS) return "just now";
  if (ageMs < HOUR_MS) return relative.format(-Math.floor(ageMs / MINUTE_MS), "minute");
  if (ageMs < DAY_MS) return relative.format(-Math.floor(ageMs / HOUR_MS), "hour");
  return dateTime(value);
}

/** 75,000 ms is "1:15". */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0
    ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}
