// A page that watches one session: index.html?kind=ideation&id=… Bundled by whatever bundles your React:
//   npx esbuild app.js --bundle --format=esm --outfile=bundle.js

import { createElement as h, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useStreamingData } from "streaming-web-client/react";

function Session({ kind, id }) {
  const { data, connection, problem, isEnded } = useStreamingData(kind, id);
  if (problem) return h("p", { role: "alert" }, problem.message);
  if (!data) return h("p", null, "Reading …");
  return h("main", null,
    h("h1", null, data.session?.userInput ?? kind),
    h("p", null, h("output", { id: "status" }, data.status), ` (${connection})`),
    h("progress", { max: 100, value: data.progress }),
    h("p", null, data.statusText),
    h("ol", null, data.ideas.map((idea, at) => h("li", { key: at }, h("strong", null, idea.title), " ", idea.body))),
    !isEnded && [...data.texts].map(([stage, text]) => h("pre", { key: stage }, text)),
    data.error && h("p", { role: "alert" }, data.error.message));
}

const { kind = "ideation", id } = Object.fromEntries(new URLSearchParams(location.search));
createRoot(document.getElementById("root")).render(h(StrictMode, null, h(Session, { kind, id })));
