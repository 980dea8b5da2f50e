// What a remote control sends, and whether this screen is a TV.

export const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

const BACK_KEYS = new Set(["Escape", "GoBack", "BrowserBack"]);
const BACK_CODES = new Set([461, 10009]); // the remote's Back on webOS and on Tizen, which name it differently

export function onTv() {
  return document.documentElement.dataset.distance === "tv";
}

/** Whether a key means Back. Some remotes send Backspace, which belongs to a text field while one is typed in. */
export function isBack({ key, keyCode, target }) {
  if (key === "Backspace") return onTv() && !target.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea");
  return BACK_KEYS.has(key) || BACK_CODES.has(keyCode);
}
