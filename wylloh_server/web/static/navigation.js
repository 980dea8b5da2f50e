// Arrow keys move the focus: always on a TV, elsewhere only from film to film. Back goes back on a TV.

import { focusables, entrance, moveFocus } from "./spatial.js";

const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
const BACK_KEYS = new Set(["Escape", "GoBack", "BrowserBack"]);
const BACK_CODES = new Set([461, 10009]); // the remote's Back on webOS and on Tizen, which name it differently
const onTv = () => document.documentElement.dataset.distance === "tv";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const direction = ARROWS[event.key];
  if (direction) arrow(event, direction);
  else if (onTv() && (BACK_KEYS.has(event.key) || BACK_CODES.has(event.keyCode))) back(event);
});

function arrow(event, direction) {
  const current = document.activeElement;
  if (!onTv() && !current?.matches(".card")) return;
  if (ownsArrow(current, direction)) return;
  if (moveFocus(direction)) event.preventDefault();
}

/** A text field needs left and right for itself. */
function ownsArrow(element, direction) {
  if (element?.matches("select, textarea, input[type=range]")) return true;
  return Boolean(element?.matches("input")) && (direction === "left" || direction === "right");
}

function back(event) {
  if (window.location.pathname === "/") return;
  event.preventDefault();
  if (window.history.length > 1) window.history.back();
  else window.location.assign("/");
}

if (onTv() && document.activeElement === document.body) {
  entrance(focusables())?.focus({ preventScroll: true });
}
