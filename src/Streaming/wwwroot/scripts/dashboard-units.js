// Figures as people read them. What is not known is a dash.

export const UNKNOWN = "–";

export function known(value, format) {
  return value === null || value === undefined ? UNKNOWN : format(value);
}

export function percent(share) {
  return known(share, (value) => `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`);
}

export function seconds(value) {
  return known(value, (known) => known > 0 && known < 9.95 ? `${known.toFixed(1)} s` : known < 120 ? `${Math.round(known)} s` : `${Math.round(known / 60)} min`);
}

export function milliseconds(value) {
  return known(value, (known) => known > 0 && known < 9.95 ? `${known.toFixed(1)} ms` : known < 10_000 ? `${Math.round(known)} ms` : `${(known / 1000).toFixed(1)} s`);
}

export function bytes(value) {
  return known(value, (known) => known === 0 ? "0" : known < 1e6 ? `${Math.round(known / 1e3)} kB` : known < 1e9 ? `${Math.round(known / 1e6)} MB` : `${(known / 1e9).toFixed(1)} GB`);
}

export function count(value) {
  return known(value, (known) => Math.round(known).toLocaleString("en"));
}
