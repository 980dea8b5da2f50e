// Arrow keys move the focus: always on a TV, elsewhere only from film to film. Back goes back on a TV. A slash
// searches.

import { findOptional } from "./dom.js";
import { rememberFocus, restoreFocus } from "./focus-memory.js";
import { beginPage, walk } from "./page-walk.js";
import { ARROWS, isBack, onTv } from "./remote-control.js";
import { moveFocus } from "./spatial-navigation.js";
import "./tv-reconnect.js";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const direction = ARROWS[event.key];
  if (direction) arrow(event, direction);
  else if (onTv() && isBack(event)) back(event);
  else if (event.key === "/") search(event);
});

/**
 * @param {KeyboardEvent} event
 * @param {import("./remote-control.js").Direction} direction
 */
function arrow(event, direction) {
  const current = document.activeElement;
  if (!onTv() && !current?.matches(".card, .pick")) return;
  if (ownsArrow(current, direction)) return;
  // What stands behind an open dialog cannot be reached.
  const dialog = findOptional(document, "dialog[open]");
  const moved = onTv() && !dialog ? walk(direction) : moveFocus(direction, dialog ?? document);
  // At the end of its row, a choice must not jump to the first one and take it.
  if (moved || current?.matches("[type=radio]")) event.preventDefault();
}

/**
 * Go to the page's own field for a search, or to the page that has one. Somebody who types keeps the slash.
 * @param {KeyboardEvent} event
 */
function search(event) {
  if (document.activeElement?.matches("input, textarea, select, [contenteditable]")) return;
  const field = findOptional(document, "main input[type=search]");
  const link = findOptional(document, "a.to-search");
  if (field || link) event.preventDefault();
  if (field) field.focus();
  else link?.click();
}

/**
 * A text field needs left and right for itself, a list of choices up and down; a TV has no other keys to leave them.
 * @param {Element | null} element
 * @param {string} direction
 */
function ownsArrow(element, direction) {
  if (element?.matches("select") && onTv()) return direction === "up" || direction === "down";
  if (element?.matches("select, textarea, input[type=range]")) return true;
  return (
    Boolean(element?.matches("input:not([type=checkbox], [type=radio])")) &&
    (direction === "left" || direction === "right")
  );
}

/** @param {KeyboardEvent} event */
function back(event) {
  if (window.location.pathname === "/") return;
  event.preventDefault();
  if (window.history.length > 1) window.history.back();
  else window.location.assign("/");
}

// A page the browser kept while the player ran shows an old position. The player starts again by itself.
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted && !document.getElementById("player")) window.location.reload();
});

if (!onTv()) {
  rememberFocus("#trailer");
  restoreFocus();
} else if (!document.getElementById("player")) {
  rememberFocus();
  if (document.activeElement === document.body && !restoreFocus()) beginPage();
}
