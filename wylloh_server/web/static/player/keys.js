// The keyboard and the remote. On a TV the arrows move between the controls; elsewhere they seek.

import { ARROWS, isBack, keyName, onTv } from "../remote-control.js";
import { moveFocus } from "../spatial-navigation.js";

/** @type {Record<string, (parts: Parts) => unknown>} */
const ACTIONS = {
  " ": ({ controls }) => controls.toggle(),
  k: ({ controls }) => controls.toggle(),
  f: ({ controls }) => controls.full(),
  m: ({ controls }) => controls.mute(),
  c: ({ controls }) => controls.subtitles(),
  i: ({ menus, info }) => {
    menus.close({ focus: true });
    info.toggle();
  },
  j: ({ controls }) => controls.back(),
  l: ({ controls }) => controls.forward(),
  MediaPlayPause: ({ controls }) => controls.toggle(),
  MediaPlay: ({ controls }) => controls.play(),
  MediaPause: ({ controls }) => controls.pause(),
  MediaStop: ({ leave }) => leave(),
  MediaRewind: ({ controls }) => controls.back(),
  MediaFastForward: ({ controls }) => controls.forward(),
  MediaTrackPrevious: ({ controls }) => controls.previous(),
  MediaTrackNext: ({ controls }) => controls.next(),
};
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Fn"]);
const SKIP = 10;

/**
 * The player's parts that keys reach. `over` is whether a message covers the film, `leave` goes to the film's page.
 * @typedef {object} Parts
 * @property {HTMLElement} player
 * @property {HTMLVideoElement} video
 * @property {import("./controls-visibility.js").ControlsVisibility} visibility
 * @property {import("./menus.js").Menus} menus
 * @property {import("./playback-info.js").PlaybackInfo} info
 * @property {import("./seekbar.js").SeekBar} seek
 * @property {import("./controls.js").Controls} controls
 * @property {HTMLElement} time
 * @property {HTMLElement} toggle
 * @property {() => boolean} over
 * @property {() => Promise<void>} leave
 * @typedef {import("../remote-control.js").Direction} Direction
 */

/**
 * Listen before anybody else. `parts` are the player's menus, panel, seek bar, controls and their elements.
 * @param {Parts} parts
 */
export function listenToKeys(parts) {
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || parts.over()) return;
      if (isBack(event) ? back(parts) : steer(event, parts)) event.preventDefault();
    },
    { capture: true },
  );
}

/**
 * Any key brings the controls. Tab leads to the first of them, which could not take the focus while hidden.
 * @param {KeyboardEvent} event
 * @param {Parts} parts
 */
function steer(event, parts) {
  if (MODIFIERS.has(event.key)) return false;
  const handled = (event.key === "Tab" && !parts.visibility.open && wake(parts)) || handle(event, parts);
  parts.visibility.show();
  return handled;
}

/**
 * @param {KeyboardEvent} event
 * @param {Parts} parts
 * @returns {boolean}
 */
function handle(event, parts) {
  const direction = ARROWS[event.key];
  if (direction) return parts.menus.open ? inMenu(direction, parts) : arrow(direction, parts);
  const pressing = event.key === " " && document.activeElement?.matches("button, a");
  const name = keyName(event);
  const action = pressing ? undefined : ACTIONS[name.length === 1 ? name.toLowerCase() : name];
  action?.(parts);
  if (action) return true;
  if (/^[0-9]$/.test(event.key)) parts.controls.jump(Number(event.key) / 10);
  return event.key === "Enter" && enter(parts);
}

/**
 * Enter brings the controls; on the seek bar it plays and pauses. Elsewhere it presses what has the focus.
 * @param {Parts} parts
 * @returns {boolean}
 */
function enter(parts) {
  const lost = onTv() && !parts.player.contains(document.activeElement);
  if (!parts.visibility.open || lost) return wake(parts);
  if (document.activeElement !== parts.time) return false;
  parts.controls.toggle();
  return true;
}

/**
 * Back closes what is open: the menu, the panel, then the controls, then the film; at a desk, a trailer only.
 * @param {Parts} parts
 * @returns {boolean}
 */
function back({ menus, info, visibility, leave, video, player }) {
  if (menus.close({ focus: true }) || info.close()) return true;
  if (document.fullscreenElement) return false;
  if (onTv() && visibility.open && !video.paused) visibility.hide();
  else if (onTv() || player.dataset.trailer !== undefined) leave();
  else return false;
  return true;
}

/**
 * @param {Direction} direction
 * @param {Parts} parts
 * @returns {boolean}
 */
function inMenu(direction, { menus }) {
  if (direction === "up") menus.step(-1);
  if (direction === "down") menus.step(1);
  return true;
}

/**
 * @param {Direction} direction
 * @param {Parts} parts
 * @returns {boolean}
 */
function arrow(direction, parts) {
  const sideways = direction === "left" || direction === "right";
  const onBar = document.activeElement === parts.time;
  if (sideways && (onBar || !onTv() || !parts.visibility.open)) {
    parts.seek.skip(direction === "left" ? -SKIP : SKIP);
    return true;
  }
  if (!onTv()) return parts.controls.louder(direction === "up" ? 0.1 : -0.1);
  const fromBar = onBar && direction === "down";
  if (fromBar || !parts.visibility.open || !parts.player.contains(document.activeElement)) return wake(parts);
  moveFocus(direction, parts.player);
  return true;
}

/**
 * @param {Parts} parts
 * @returns {boolean}
 */
function wake({ visibility, toggle }) {
  visibility.show();
  toggle.focus();
  return true;
}
