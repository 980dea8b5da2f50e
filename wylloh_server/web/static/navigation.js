// Arrow keys move the focus: always on a TV, elsewhere only from film to film. Back goes back on a TV.

import { ARROWS, isBack, onTv } from "./remote.js";
import { focusables, entrance, moveFocus } from "./spatial.js";
import "./tv-again.js";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const direction = ARROWS[event.key];
  if (direction) arrow(event, direction);
  else if (onTv() && isBack(event)) back(event);
});

function arrow(event, direction) {
  const current = document.activeElement;
  if (!onTv() && !current?.matches(".card, .pick")) return;
  if (ownsArrow(current, direction)) return;
  // What stands behind an open dialog cannot be reached.
  const moved = moveFocus(direction, document.querySelector("dialog[open]") ?? document);
  // At the end of its row, a choice must not jump to the first one and take it.
  if (moved || current?.matches("[type=radio]")) event.preventDefault();
}

/** A text field needs left and right for itself. */
function ownsArrow(element, direction) {
  if (element?.matches("select, textarea, input[type=range]")) return true;
  return Boolean(element?.matches("input:not([type=checkbox], [type=radio])")) && (direction === "left" || direction === "right");
}

function back(event) {
  if (window.location.pathname === "/") return;
  event.preventDefault();
  if (window.history.length > 1) window.history.back();
  else window.location.assign("/");
}

// A page the browser kept while the player ran shows an old position. The player begins anew by itself.
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted && !document.getElementById("player")) window.location.reload();
});

if (onTv() && document.activeElement === document.body) {
  entrance(focusables())?.focus({ preventScroll: true });
}
