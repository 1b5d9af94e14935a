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

const UNKNOWN = "time left not known";
const REASONS = {
  no_history: { text: UNKNOWN, why: "Nothing of this kind has run here before. It is learnt from runs that have ended." },
  too_little_history: { text: UNKNOWN, why: "Too few of this kind have run here to say how sure this is." },
  new_stage: { text: UNKNOWN, why: "One of its steps was never seen before." },
  model_changed: { text: UNKNOWN, why: "The model is new here; the times known are another's." },
  longer_than_usual: { text: "longer than usual", why: "This step has been silent for longer than nearly all before it, so no time is promised." },
  finishing: { text: "past its usual time", why: "The time that earlier runs took is over, so it may end at any moment; or it is slower today." },
};
const RAISED = {
  slower_than_usual: "It is slower today than earlier runs were.",
  stage_late: "The present step takes longer than it mostly does.",
  stage_retried: "A step had to begin anew.",
};

/**
 * What an estimate says at `now`, by the server's clock: how long in a few words, how far to trust that, and in full why.
 * What is not known is said to be unknown.
 */
export function timeLeft({ at, remainingMs, remainingP90Ms, reliability, reason, raised }, now) {
  const sinceMs = now - at;
  const restMs = (remainingMs ?? 0) - sinceMs;
  const because = RAISED[raised] ? `Longer than was said before. ${RAISED[raised]}` : "";
  const unknown = REASONS[reason];
  if (remainingMs === undefined || remainingMs === null) return { text: unknown?.text ?? UNKNOWN, trust: "", why: unknown?.why ?? "", because };
  if (restMs < 1_000) return { text: "done at any moment", trust: "", why: REASONS.finishing.why, because };
  const text = `about ${inWords(restMs)} left`;
  if (reliability === undefined || reliability === null) return { text, trust: "a first guess", why: unknown?.why ?? "", because };
  const mostMs = Math.max(restMs, (remainingP90Ms ?? 0) - sinceMs);
  const word = reliability >= 0.8 ? "fairly sure" : reliability >= 0.5 ? "probably" : "a rough guess";
  const most = inWords(mostMs);
  const hasMost = remainingP90Ms && most !== inWords(restMs);
  return {
    text,
    trust: hasMost ? `${word}, at most ${most}` : word,
    why: `Learnt from earlier runs of this kind. Such an estimate was right, to a fifth of the whole time, in ${Math.round(reliability * 100)} of 100`
      + `${hasMost ? `, and 90 of 100 were done within ${most} from now` : ""}. It is as often too long as too short.`,
    because,
  };
}

/** No finer than anybody can know: 8,300 ms is "10 s", 75,000 ms "1 min 15 s", 400,000 ms "7 min", 5,400,000 ms "1 h 30 min". */
function inWords(ms) {
  const seconds = ms / 1_000;
  if (seconds <= 55) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  const quarters = Math.round(seconds / 15);
  if (quarters < 20) return [`${Math.floor(quarters / 4)} min`, quarters % 4 ? `${(quarters % 4) * 15} s` : ""].join(" ").trim();
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const tens = Math.round(minutes / 10);
  return [`${Math.floor(tens / 6)} h`, tens % 6 ? `${(tens % 6) * 10} min` : ""].join(" ").trim();
}
