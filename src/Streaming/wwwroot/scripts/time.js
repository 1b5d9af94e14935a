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

const WHY_UNKNOWN = {
  no_history: "Nothing of this kind has been generated here before.",
  too_little_history: "Too little of this kind has been generated here to say how sure this is.",
  new_stage: "A step of it was never seen before.",
  model_changed: "The model is new; earlier times were another's.",
  longer_than_usual: "This step is taking longer than nearly all before it.",
  finishing: "It may be done at any moment.",
};

/** What an estimate says now: a few words, and why they are to be trusted that far. */
export function timeLeft({ at, remainingMs, remainingP90Ms, reliability, reason }, now) {
  const why = WHY_UNKNOWN[reason] ?? "";
  if (remainingMs === undefined || remainingMs === null) return { text: reason === "finishing" ? "any moment" : "time left unknown", why };
  const rest = remainingMs - (now - at);
  if (rest < 1000) return { text: "any moment", why };
  const words = `${inWords(rest)} left`;
  if (reliability === undefined || reliability === null) return { text: `roughly ${words}`, why };
  const most = remainingP90Ms ? `; nine of ten are done in ${inWords(Math.max(rest, remainingP90Ms - (now - at)))}` : "";
  return {
    text: `${reliability >= 0.8 ? "about" : reliability >= 0.5 ? "probably" : "perhaps"} ${words}`,
    why: `${Math.round(reliability * 100)} % sure that it is within a fifth of that${most}.`,
  };
}

/** 12,300 ms is "12 s", 75,000 ms "1 min 15 s", 400,000 ms "7 min": no finer than anybody can know. */
function inWords(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 5 ? `${minutes} min ${Math.round((seconds % 60) / 5) * 5 % 60} s` : `${Math.round(seconds / 60)} min`;
}
