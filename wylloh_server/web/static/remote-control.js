// What a remote control sends, and whether this screen is a TV.

/** @typedef {"up" | "down" | "left" | "right"} Direction */

/** @type {Record<string, Direction>} */
export const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

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
