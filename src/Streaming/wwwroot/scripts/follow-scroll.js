// Keeps the newest text in view for a reader who is at the bottom, and leaves everybody else alone.

const BOTTOM_PX = 48;

export function followScroll(update) {
  const root = document.scrollingElement;
  const atBottom = root.scrollHeight - root.clientHeight - root.scrollTop < BOTTOM_PX;
  update();
  if (atBottom) root.scrollTop = root.scrollHeight;
}
