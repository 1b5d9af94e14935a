// Earlier sessions of one kind, newest first, page by page.

import { readSessions } from "./api.js";
import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";
import { dateTime, timeAgo } from "./time.js";

/** `onProvider` hears which provider would generate the next session. */
export function historyList(kind, heading, onProvider) {
  const items = el("ol", { class: "history-items" });
  const note = el("p", { class: "quiet", text: "Reading…" });
  const more = el("button", {
    type: "button", class: "button-quiet", hidden: true, text: "More", on: { click: readMore },
  });
  let cursor;

  async function readMore() {
    more.disabled = true;
    try {
      const page = await readSessions(kind, cursor);
      onProvider(page.provider);
      items.append(...page.items.map(historyItem));
      cursor = page.nextCursor;
      more.hidden = !cursor;
      setText(more, "More");
      setText(note, items.children.length > 0 ? "" : `No ${heading.toLowerCase()} yet.`);
    } catch (problem) {
      setText(note, problem.message);
      setText(more, "Try again");
      more.hidden = false;
    } finally {
      more.disabled = false;
    }
  }

  const element = el("section", { class: "history-column" }, el("h2", { text: heading }), items, note, more);
  return { element, readMore };
}

function historyItem({ id, kind, status, createdAt, userInput, sourceArtifact, brandName, provider }) {
  const live = isLive(status);
  return el("li", {},
    el("a", { class: "history-item", "data-testid": "history-item", "data-live": live, href: `#/${kind}s/${id}` },
      el("span", { class: "history-title", text: userInput ?? sourceArtifact?.title ?? brandName ?? "Untitled" }),
      el("span", { class: "history-meta" },
        el("span", { class: "status", "data-status": status, text: status }),
        el("time", { datetime: createdAt, title: dateTime(createdAt), text: timeAgo(createdAt) }),
        provider ? el("span", { text: provider }) : undefined)));
}
