// The last runs of all users, page by page, 1,000 at most; the newest come by themselves.

import { readStatus } from "./api.js";
import { seconds, UNKNOWN } from "./dashboard-units.js";
import { el, setText } from "./dom.js";
import { clockTime, dateTime, timeAgo } from "./time.js";
import { currentUser } from "./token.js";

const RUNS_MAX = 1_000;
const PAGE = 100;
const REFRESH_MS = 4_000;
const PAGES = { ideation: "ideations", outline: "outlines", logo: "logos", analysis: "analyses" };
const LOCAL_USER = "local";

export function runTable() {
  const rows = new Map();
  const body = el("tbody");
  const more = el("button", { type: "button", class: "button-quiet", hidden: true, text: "More", "data-testid": "more-runs", on: { click: readMore } });
  const note = el("p", { class: "quiet", "data-testid": "runs-note" });
  const element = el("section", { "aria-labelledby": "runs-heading" },
    el("div", { class: "section-head" }, el("h2", { id: "runs-heading", text: "Last runs" }), note),
    el("div", { class: "panel runs-frame" },
      el("table", { class: "runs", "data-testid": "runs" },
        el("thead", {}, el("tr", {}, ...[
          ["What", ""], ["Status", ""], ["Asked", ""], ["Waited", "wide"], ["Ran", ""], ["Attempt", "wide"], ["Model", "wide"], ["User", "wide"],
        ].map(([text, name]) => el("th", { scope: "col", class: name, text })))),
        body)),
    more);
  let cursor;
  let refreshedAt = 0;

  function begin(page) {
    page.items.forEach((run) => body.append(rowOf(run).element));
    cursor = page.next_cursor;
    showRest();
  }

  async function readMore() {
    more.disabled = true;
    try {
      const page = await readStatus(`runs?limit=${Math.min(PAGE, RUNS_MAX - rows.size)}&cursor=${cursor}`);
      page.items.filter((run) => !rows.has(run.id)).forEach((run) => body.append(rowOf(run).element));
      cursor = page.next_cursor;
    } catch (problem) {
      setText(note, problem.message);
    } finally {
      more.disabled = false;
      showRest();
    }
  }

  /** Reads the newest again, now and then, while somebody looks. */
  async function noticed(now) {
    if (now.active_streams === null || document.hidden || Date.now() - refreshedAt < REFRESH_MS) return;
    refreshedAt = Date.now();
    try {
      const page = await readStatus(`runs?limit=${PAGE}`);
      let before = body.firstElementChild;
      const [wasEmpty, last] = [rows.size === 0, body.lastElementChild?.dataset.id];
      for (const run of page.items) {
        const row = rows.get(run.id);
        if (row) row.update(run);
        // Older ones than the last that was shown are for "More".
        else if (!cursor || run.id > last) body.insertBefore(rowOf(run).element, before);
        before = rows.get(run.id)?.element.nextElementSibling ?? before;
      }
      while (rows.size > RUNS_MAX) {
        rows.delete(body.lastElementChild.dataset.id);
        body.lastElementChild.remove();
      }
      if (wasEmpty) cursor = page.next_cursor;
      showRest();
    } catch {
      // The next figures try again.
    }
  }

  function showRest() {
    more.hidden = !cursor || rows.size >= RUNS_MAX;
    setText(note, rows.size === 0 ? "Nothing has run yet." : `${rows.size} shown${rows.size >= RUNS_MAX ? ", which is as far back as this page goes" : ""}`);
  }

  function rowOf(run) {
    const row = runRow(run);
    rows.set(run.id, row);
    return row;
  }

  return { element, begin, noticed };
}

function runRow(run) {
  const status = el("span", { class: "status" });
  const error = el("code", { class: "run-error" });
  const waited = el("td", { class: "wide number" });
  const ran = el("td", { class: "number" });
  const attempt = el("td", { class: "wide number" });
  const isOwn = run.user_id === (currentUser() ?? LOCAL_USER);
  const name = `${run.kind}${run.ordinal > 1 ? `, run ${run.ordinal}` : ""}`;
  const what = PAGES[run.kind] && isOwn
    ? el("a", { href: `./#/${PAGES[run.kind]}/${run.session_id}`, text: name })
    : el("span", { text: name });
  const element = el("tr", { "data-id": run.id, "data-testid": "run" },
    el("td", {}, what, el("span", { class: "run-id", text: run.session_id.slice(-8) })),
    el("td", {}, status, error),
    el("td", {}, el("time", { datetime: run.created_at, title: dateTime(run.created_at), text: askedAt(run.created_at) })),
    waited, ran, attempt,
    el("td", { class: "wide", text: run.model ?? UNKNOWN }),
    el("td", { class: "wide run-user", text: run.user_id, title: run.user_id }));

  function update({ status: word, error: code, created_at: created, started_at: started, ended_at: ended, attempt: number }) {
    status.dataset.status = word;
    setText(status, word);
    setText(error, code ?? "");
    setText(waited, started ? seconds((new Date(started) - new Date(created)) / 1000) : UNKNOWN);
    setText(ran, started && ended ? seconds((new Date(ended) - new Date(started)) / 1000) : UNKNOWN);
    setText(attempt, String(number));
  }

  update(run);
  return { element, update };
}

function askedAt(created) {
  const ageMs = Date.now() - new Date(created).getTime();
  return ageMs < 12 * 3_600_000 ? clockTime(created) : timeAgo(created);
}
