// What was asked for, on its way back into a form: it is changed there and asked for anew.

let kept;

/** `session` as a GET answers it. */
export function keepDraft(session) {
  kept = session;
}

/** What was kept for a form of this kind, once. */
export function takeDraft(kind) {
  if (kept?.kind !== kind) return undefined;
  const draft = kept;
  kept = undefined;
  return draft;
}
