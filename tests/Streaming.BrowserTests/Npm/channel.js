// Follows a user's channel as docs/protocol.md says, over as many connections as it takes, until a session has said `done` and every
// session that began has ended. The same text runs in a browser.
export function follow(WebSocket, url, cursor) {
  const updates = [];
  const begun = new Set();
  let [connections, isDone, isOver] = [0, false, false];
  return new Promise((resolve) => {
    const connect = () => {
      connections++;
      const socket = new WebSocket(url);
      socket.onmessage = ({ data }) => {
        const { type, eventId, payload } = JSON.parse(data);
        if (type === "authenticated") {
          socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { channels: [{ channel: `user:${payload.user}:streams`, cursor }] } }));
        } else if (type === "subscribed") {
          cursor = payload.channels[0].cursor;
        } else if (type === "cursor") {
          cursor = payload.cursor;
        } else if (type === "stream_update") {
          updates.push({ eventId, payload });
          if (eventId) cursor.sessions[payload.sessionId] = eventId;
          if (payload.type === "end") begun.delete(payload.sessionId);
          else begun.add(payload.sessionId);
          isDone ||= payload.type === "done";
          if (isDone && begun.size === 0) {
            isOver = true;
            socket.close();
            resolve({ connections, updates });
          }
        }
      };
      socket.onerror = () => {};
      socket.onclose = () => { if (!isOver) setTimeout(connect, 20); };
    };
    connect();
  });
}
