// Whose requests these are: a bearer token, in memory and in this tab's sessionStorage, so that a
// reload keeps it and closing the tab ends it. It goes into a header, never into an address.

const KEY = "streaming.token";

let token = stored();
let ask = () => {};
const waiting = new Set();

export function currentToken() {
  return token;
}

/** The `sub` of the token: to show it, and nothing else. Only the service can check a token. */
export function currentUser() {
  return token && subjectOf(token);
}

/** `handler(problem)` asks the person for a token; it may be called again while it asks. */
export function onTokenWanted(handler) {
  ask = handler;
}

/**
 * Resolves when there is another token than the one that was refused, at once if there is one
 * already. Whoever waits here goes on with the same request, so nothing is lost by signing in.
 */
export function anotherToken(refused, problem, signal) {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (token === undefined || token === refused) return;
      waiting.delete(look);
      resolve();
    };
    const abort = () => {
      waiting.delete(look);
      reject(new DOMException("The request is no longer wanted.", "AbortError"));
    };
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener("abort", abort, { once: true });
    waiting.add(look);
    look();
    if (waiting.has(look)) ask(problem);
  });
}

/** Takes a token that the service has accepted. */
export function signIn(accepted) {
  const before = currentUser();
  token = accepted;
  store(accepted);
  // What is on the page is the other user's.
  if (before !== undefined && before !== currentUser()) location.reload();
  else for (const look of [...waiting]) look();
}

/** Forgets the token and everything on the page. */
export function signOut() {
  token = undefined;
  store(undefined);
  location.hash = "#/";
  location.reload();
}

function subjectOf(jwt) {
  try {
    const base64 = jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return String(JSON.parse(new TextDecoder().decode(bytes)).sub);
  } catch {
    return undefined;
  }
}

/** A browser that keeps no site data throws at each touch: then the token is in memory alone. */
function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(value) {
  try {
    if (value === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // See stored.
  }
}
