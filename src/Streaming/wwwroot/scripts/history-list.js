// Earlier sessions of one kind, newest first, page by page. Those in progress say how far they are.

import { plural, readSessions } from "./api.js";
import { el, setText } from "./dom.js";
import { isLive } from "./session-model.js";
import { dateTime, timeAgo, timeLeft } from "./time.js";

/** `onProvider` hears which provider would generate the next session, `onItems` that there are more items. */
export function historyList(kind, heading, { onProvider, onItems }) {
  const list = el("ol", { class: "history-items" });
  const note = el("p", { class: "quiet", text: "Reading…" });
  const more = el("button", {
    type: "button", class: "button-quiet", hidden: true, text: "More", on: { click: readMore },
  });
  const items = new Map();
  let cursor;

  async function readMore() {
    more.disabled = true;
    try {
      const page = await readSessions(kind, cursor);
      onProvider(page.provider);
      for (const session of page.items) {
        const item = historyItem(session);
        items.set(session.id, item);
        list.append(item.element);
      }
      cursor = page.nextCursor;
      more.hidden = !cursor;
      setText(more, "More");
      setText(note, items.size > 0 ? "" : `No ${heading.toLowerCase()} yet.`);
      onItems();
    } catch (problem) {
      setText(note, problem.message);
      setText(more, "Try again");
      more.hidden = false;
    } finally {
      more.disabled = false;
    }
  }

  const element = el("section", { class: "history-column" }, el("h2", { text: heading }), list, note, more);
  return { element, items, readMore };
}

function historyItem({ id, kind, status, createdAt, userInput, sourceArtifact, brandName, context, image, provider }) {
  const chip = el("span", { class: "status" });
  const fill = el("span", { class: "progress-fill" });
  const bar = el("span", { class: "progress history-progress", hidden: true, "aria-hidden": "true" }, fill);
  const percent = el("span", { class: "history-percent", "data-testid": "history-percent" });
  const left = el("span", { "data-testid": "history-left" });
  const link = el("a", { class: "history-item", "data-testid": "history-item", href: `#/${plural(kind)}/${id}` },
    el("span", { class: "history-title", text: userInput ?? sourceArtifact?.title ?? brandName ?? context ?? (image ? `A picture, ${image.width} × ${image.height}` : "Untitled") }),
    bar,
    el("span", { class: "history-meta" },
      chip, percent, left,
      el("time", { datetime: createdAt, title: dateTime(createdAt), text: timeAgo(createdAt) }),
      provider ? el("span", { text: provider }) : undefined));
  const element = el("li", {}, link);

  /** With the client's state of it, or what the list says. */
  function update({ status: present = status, progress, estimate, skewMs = 0 }) {
    const live = isLive(present);
    link.dataset.live = live;
    chip.dataset.status = present;
    setText(chip, present);
    const known = live && progress !== undefined;
    bar.hidden = !known;
    fill.style.setProperty("--done", (progress ?? 0) / 100);
    setText(percent, known ? `${Math.floor(progress)}%` : "");
    setText(left, known && present === "streaming" && estimate ? timeLeft(estimate, Date.now() - skewMs).text : "");
  }

  update({});
  return { element, update, isLive: () => link.dataset.live === "true" };
}
