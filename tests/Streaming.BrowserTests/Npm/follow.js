// Follows a stream to its `end` with a client that others wrote. Arguments: the client, the address. stdout: the messages, each with
// the event's id as lastEventId.
import { setTimeout as pause } from "node:timers/promises";

const [client, url] = process.argv.slice(2);
const messages = [];
await { eventsource, "eventsource-parser": loop }[client]();
console.log(JSON.stringify(messages));

/** @returns {boolean} whether it was the last one */
function take(lastEventId, data) {
  const message = JSON.parse(data);
  messages.push({ lastEventId, ...message });
  return message.type === "end";
}

async function eventsource() {
  const { EventSource } = await import("eventsource");
  const source = new EventSource(url);
  // Its wait for the next connection alone does not keep a process alive.
  const awake = setInterval(() => {}, 1_000);
  await new Promise((resolve, reject) => {
    source.onmessage = ({ lastEventId, data }) => { if (take(lastEventId, data)) resolve(); };
    // It gives up for good on anything but 200, also on the 204 after the end: none may come before that.
    source.onerror = (fault) => { if (source.readyState === EventSource.CLOSED) reject(new Error(`given up: ${fault.code} ${fault.message}`)); };
  });
  source.close();
  clearInterval(awake);
}

/** As the description of eventsource-parser has it, with a loop around it. */
async function loop() {
  const { createParser } = await import("eventsource-parser");
  let [lastEventId, retryMs, isOver] = [undefined, 1_000, false];
  while (!isOver) {
    try {
      const response = await fetch(url, { headers: lastEventId ? { "Last-Event-ID": lastEventId } : {} });
      if (response.status !== 200) throw new Error(`answered ${response.status}`);
      const decoder = new TextDecoder();
      const parser = createParser({
        onEvent: ({ id, data }) => { isOver = take(id, data); },
        onId: (id) => { lastEventId = id; },
        onRetry: (ms) => { retryMs = ms; },
      });
      for await (const piece of response.body) parser.feed(decoder.decode(piece, { stream: true }));
    } catch (fault) {
      if (/^answered/.test(fault.message)) throw fault;
    }
    if (!isOver) await pause(retryMs);
  }
}
