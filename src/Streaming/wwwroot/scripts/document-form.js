// The form that starts an outline from a manuscript: the file is uploaded first, and goes on where it broke off.

import { uploadFile } from "/client/upload.js";
import { Submission } from "./api.js";
import { announce, el, setText } from "./dom.js";
import { takeDraft } from "./input-draft.js";
import { problemBanner } from "./problem-banner.js";
import { anotherToken, currentToken } from "./token.js";

const UNFINISHED = "streaming.unfinished-upload";

export function documentForm() {
  const submission = new Submission("outline");
  const file = el("input", {
    id: "documentFile", type: "file", accept: ".txt,.md,.markdown,text/plain,text/markdown", "data-testid": "document-file", on: { change: choose },
  });
  const episodes = el("input", { id: "documentEpisodes", type: "text", inputmode: "numeric", maxlength: "4", placeholder: "12" });
  const hint = el("p", { class: "quiet", "data-testid": "document-hint" });
  const fill = el("div", { class: "progress-fill" });
  const bar = el("div", {
    class: "progress", "data-testid": "upload-progress", role: "progressbar", "aria-label": "Upload", "aria-valuemin": "0", "aria-valuemax": "100",
  }, fill);
  const sent = el("p", { class: "progress-label", "data-testid": "upload-text" });
  const progress = el("div", { class: "upload", hidden: true }, bar, sent);
  const submit = el("button", { type: "submit", class: "button-primary", "data-testid": "submit-document", text: "Make an outline" });
  const stop = el("button", { type: "button", class: "button-quiet", "data-testid": "stop-upload", hidden: true, text: "Stop", on: { click: () => uploading?.abort() } });
  const banner = problemBanner();
  /** A file that is uploaded already, of an outline that is asked for anew. */
  let given;
  let uploading;
  const draft = takeDraft("outline");
  if (draft?.sourceArtifact?.fileId) {
    given = draft.sourceArtifact;
    episodes.value = draft.totalEpisodes ?? "";
  }

  describe();

  function choose() {
    given = undefined;
    progress.hidden = true;
    banner.hide();
    describe();
  }

  function forgetGiven() {
    given = undefined;
    describe();
  }

  function describe() {
    const unfinished = readUnfinished();
    const [chosen] = file.files;
    if (given) setText(hint, `${given.name} is uploaded already. Choose another file, or ask again.`);
    else if (chosen) setText(hint, `${size(chosen.size)}. If the upload breaks off, it goes on where it was.`);
    else if (unfinished) setText(hint, `The upload of ${unfinished.name} broke off at ${unfinished.percent}%. Choose the file again, and it goes on from there.`);
    else setText(hint, "Plain text or Markdown, up to some 100 MB. It is read passage by passage.");
  }

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    banner.hide();
    const [chosen] = file.files;
    if (!chosen && !given) {
      file.focus();
      setText(hint, "Choose a text file first.");
      return;
    }
    submit.disabled = true;
    uploading = new AbortController();
    try {
      const fileId = given?.fileId ?? (await upload(chosen)).id;
      const state = await submission.send({ fileId, totalEpisodes: episodes.value.trim() === "" ? null : Number(episodes.value) });
      location.hash = `#/outlines/${state.id}`;
    } catch (problem) {
      if (problem.name === "AbortError") describe();
      else banner.show(problem, Object.values(problem.errors ?? {}).flat());
      // It was deleted meanwhile.
      if (given && problem.status === 404) forgetGiven();
    } finally {
      submit.disabled = false;
      stop.hidden = true;
      uploading = undefined;
    }
  }

  async function upload(chosen) {
    progress.hidden = false;
    stop.hidden = false;
    show(0, chosen.size);
    announce(`Uploading ${chosen.name}`);
    let interrupted = "";
    let done = 0;
    const stored = await uploadFile(chosen, {
      signal: uploading.signal,
      getToken: async (renew, refusal) => {
        if (renew) await anotherToken(currentToken(), refusal, uploading.signal);
        return currentToken();
      },
      onProgress: (bytes) => {
        done = bytes;
        keepUnfinished(chosen, bytes);
        show(bytes, chosen.size, interrupted);
      },
      onInterrupted: (problem) => {
        interrupted = problem ? "The connection is gone. It goes on by itself." : "";
        show(done, chosen.size, interrupted);
      },
    });
    forgetUnfinished();
    return stored;
  }

  function show(bytes, all, note = "") {
    const percent = all === 0 ? 100 : Math.floor((100 * bytes) / all);
    bar.setAttribute("aria-valuenow", percent);
    bar.dataset.status = note ? "paused" : "streaming";
    fill.style.setProperty("--done", percent / 100);
    setText(sent, note || `Uploaded ${size(bytes)} of ${size(all)}`);
  }

  const element = el("form", { class: "panel idea-form", novalidate: true, "aria-label": "Manuscript", on: { submit: send } },
    el("h2", { text: "Or an outline of a manuscript?" }),
    el("div", { class: "field-pair" }, field("The text", file, hint), field("Episodes (optional)", episodes)),
    progress,
    banner.element,
    el("div", { class: "form-actions" }, stop, submit));
  return { element, leave: () => uploading?.abort() };
}

function field(label, control, ...more) {
  return el("div", { class: "field" }, el("label", { for: control.id, text: label }), control, ...more);
}

function size(bytes) {
  if (bytes < 1_000_000) return `${Math.ceil(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A browser that keeps no site data throws at each touch: then a reload knows nothing of it. */
function keepUnfinished({ name, size: all }, bytes) {
  try {
    localStorage.setItem(UNFINISHED, JSON.stringify({ name, percent: Math.floor((100 * bytes) / all) }));
  } catch {
    // See above.
  }
}

function readUnfinished() {
  try {
    return JSON.parse(localStorage.getItem(UNFINISHED) ?? "null");
  } catch {
    return null;
  }
}

function forgetUnfinished() {
  try {
    localStorage.removeItem(UNFINISHED);
  } catch {
    // See keepUnfinished.
  }
}
