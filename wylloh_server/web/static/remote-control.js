// What a remote control sends, and whether this screen is a TV.

/** @typedef {"up" | "down" | "left" | "right"} Direction */

/** @type {Record<string, Direction>} */
export const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

/** Codes of a remote's keys on Tizen and webOS, which name them differently or not at all. @type {Record<number, string>} */
const MEDIA_CODES = {
  19: "MediaPause",
  412: "MediaRewind",
  413: "MediaStop",
  415: "MediaPlay",
  417: "MediaFastForward",
  10232: "MediaTrackPrevious",
  10233: "MediaTrackNext",
  10252: "MediaPlayPause",
};

const BACK_KEYS = new Set(["Escape", "GoBack", "BrowserBack"]);
const BACK_CODES = new Set([461, 10009]); // the remote's Back on webOS and on Tizen, which name it differently

export function onTv() {
  return document.documentElement.dataset.distance === "tv";
}

/**
 * Play a film that somebody sent to this TV.
 * @param {string} path
 * @param {{replace?: boolean}} options
 */
export function showOnTv(path, { replace = false } = {}) {
  if (!onTv() || !path.startsWith("/watch/")) return;
  if (replace) window.location.replace(path);
  else window.location.assign(path);
}

/**
 * Return a key's name, the same for all remotes.
 * @param {KeyboardEvent} event
 * @returns {string}
 */
export function keyName({ key, keyCode }) {
  return MEDIA_CODES[keyCode] ?? key;
}

/**
 * Whether a key means Back. Some remotes send Backspace, which belongs to a text field while one is typed in.
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
export function isBack({ key, keyCode, target }) {
  if (key === "Backspace")
    return (
      onTv() &&
      !(target instanceof Element && target.matches("input:not([type=range], [type=checkbox], [type=radio]), textarea"))
    );
  return BACK_KEYS.has(key) || BACK_CODES.has(keyCode);
}
