// The keyboard and the remote. On a TV the arrows move between the controls; elsewhere they seek.

import { ARROWS, isBack, onTv } from "../remote.js";
import { moveFocus } from "../spatial.js";

const LETTERS = { " ": "toggle", k: "toggle", MediaPlayPause: "toggle", f: "full", m: "mute", c: "subtitles" };
const SKIP = 10;

/** Listen before anybody else. `parts` are the player's deck, menus, seek bar, controls and their elements. */
export function listenToKeys(parts) {
  window.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || parts.over()) return;
    if (isBack(event) ? back(parts) : steer(event, parts)) event.preventDefault();
  }, { capture: true });
}

/** Whatever steers the film also brings the controls. */
function steer(event, parts) {
  const handled = handle(event, parts);
  if (handled) parts.deck.show();
  return handled;
}

function handle(event, parts) {
  const direction = ARROWS[event.key];
  if (direction) return parts.menus.open ? inMenu(direction, parts) : arrow(direction, parts);
  const pressing = event.key === " " && document.activeElement?.matches("button, a");
  const action = pressing ? "" : LETTERS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) parts.controls[action]();
  if (action) return true;
  return event.key === "Enter" && enter(parts);
}

/** Enter brings the controls; on the seek bar it plays and pauses. Elsewhere it presses what has the focus. */
function enter(parts) {
  const lost = onTv() && !parts.player.contains(document.activeElement);
  if (!parts.deck.open || lost) return wake(parts);
  if (document.activeElement !== parts.time) return false;
  parts.controls.toggle();
  return true;
}

/** Back closes what is open: the menu, then the controls, then the film. */
function back({ menus, deck, leave, video }) {
  if (menus.close({ focus: true })) return true;
  if (document.fullscreenElement) return false;
  if (onTv() && deck.open && !video.paused) deck.hide();
  else if (onTv()) leave();
  else return false;
  return true;
}

function inMenu(direction, { menus }) {
  if (direction === "up") menus.step(-1);
  if (direction === "down") menus.step(1);
  return true;
}

function arrow(direction, parts) {
  const sideways = direction === "left" || direction === "right";
  const onBar = document.activeElement === parts.time;
  if (sideways && (onBar || !onTv() || !parts.deck.open)) {
    parts.seek.skip(direction === "left" ? -SKIP : SKIP);
    return true;
  }
  if (!onTv()) return parts.controls.louder(direction === "up" ? 0.1 : -0.1);
  const fromBar = onBar && direction === "down";
  if (fromBar || !parts.deck.open || !parts.player.contains(document.activeElement)) return wake(parts);
  moveFocus(direction, parts.player);
  return true;
}

function wake({ deck, toggle }) {
  deck.show();
  toggle.focus();
  return true;
}
