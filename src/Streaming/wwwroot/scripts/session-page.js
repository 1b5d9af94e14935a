// One session, from queued to ended: the browser client feeds the model, and the views show the
// model at most once a frame.

import { steer, sessionUrl } from "./api.js";
import { connectionPanel } from "./connection-panel.js";
import { analysisView } from "./analysis-view.js";
import { announce, el } from "./dom.js";
import { followScroll } from "./follow-scroll.js";
import { guidancePanel } from "./guidance-panel.js";
import { ideaList } from "./idea-list.js";
import { logoView } from "./logo-view.js";
import { outcomePanel } from "./outcome-panel.js";
import { outlineView } from "./outline-view.js";
import { problemBanner } from "./problem-banner.js";
import { progressPanel } from "./progress-panel.js";
import { sessionHead } from "./session-head.js";
import { isLive, SessionModel } from "./session-model.js";
import { SessionWatch } from "./session-watch.js";

export function sessionPage(kind, id) {
  const model = new SessionModel();
  const banner = problemBanner();
  const cancel = actionButton("cancel", "Cancel", () => request("cancel"));
  const pause = actionButton("pause", "Pause", () => request(model.status === "paused" ? "resume" : "pause"));
  const cut = actionButton("cut", "Cut the connection", () => watch.cut());
  const retry = () => request("retry");

  const head = sessionHead(kind);
  const connection = connectionPanel(cut);
  const progress = progressPanel(connection.pill, el("div", { class: "actions" }, pause, cancel));
  const guidance = guidancePanel(kind, id, { onSend: () => banner.hide(), onProblem: showProblem });
  const results = kind === "analysis" ? analysisView() : kind === "logo" ? logoView() : kind === "outline" ? outlineView() : ideaList(writeOutline);
  const outcome = outcomePanel(retry);
  const body = el("div", { class: "session-body", hidden: true },
    el("div", { class: "session-side" }, progress.strip, guidance.element, progress.details, connection.element),
    el("div", { class: "session-results" }, results.element, outcome.element));
  const element = el("article", { class: "session" }, head.element, banner.element, body);

  const watch = new SessionWatch(kind, id, {
    onMessage: (message) => model.hear(message),
    onState: (state) => { model.take(state); renderSoon(); },
    onConnection: (state) => { connection.showState(state); cut.disabled = state !== "live"; },
    onResume: connection.log,
    onIntegrity(proof) {
      connection.showIntegrity(proof);
      document.documentElement.dataset.messages = proof.checked;
    },
    onProblem: (problem) => banner.show(problem),
  });

  let frame;
  let announced = "";

  function renderSoon() {
    frame ??= requestAnimationFrame(() => {
      frame = undefined;
      // A page just opened stays where it is, however long what it shows.
      if (isLive(model.status) && !body.hidden) followScroll(render);
      else render();
    });
  }

  function render() {
    const live = isLive(model.status);
    head.update(model);
    progress.update(model);
    guidance.update(model);
    results.update(model);
    outcome.update(model);
    cancel.hidden = pause.hidden = cut.hidden = !live;
    pause.textContent = model.status === "paused" ? "Resume" : "Pause";
    body.hidden = false;
    body.setAttribute("aria-busy", String(live));
    announceNews(results.newest(model) ?? `The generation is ${model.status}.`);
  }

  function announceNews(news) {
    if (news === announced) return;
    announced = news;
    announce(news);
  }

  function showProblem(problem) {
    banner.show(problem, Object.values(problem.errors ?? {}).flat());
    banner.element.scrollIntoView({ block: "nearest" });
  }

  async function request(action) {
    banner.hide();
    cancel.disabled = pause.disabled = true;
    try {
      await steer(sessionUrl(kind, id), action);
      if (action === "retry") watch.read();
    } catch (problem) {
      banner.show(problem);
    } finally {
      cancel.disabled = pause.disabled = false;
    }
  }

  async function writeOutline(submission, ideaIndex) {
    banner.hide();
    try {
      const state = await submission.send({ ideationId: id, ideaIndex });
      location.hash = `#/outlines/${state.id}`;
    } catch (problem) {
      showProblem(problem);
    }
  }

  function enter() {
    document.documentElement.dataset.messages = 0;
    watch.read();
  }

  function leave() {
    watch.stop();
    progress.stop();
    outcome.stop();
    cancelAnimationFrame(frame);
    delete document.documentElement.dataset.messages;
  }

  return { element, enter, leave };
}

function actionButton(name, text, onClick) {
  return el("button", {
    type: "button", class: "button-quiet", "data-testid": name, hidden: true, text, on: { click: onClick },
  });
}
