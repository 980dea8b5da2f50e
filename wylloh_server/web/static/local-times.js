// Shows the times of a page, `<time datetime="…Z" title="… UTC" data-show="minute|second|day|distance">`, in the viewer's own
// zone; what is drawn anew, too. A button at the page's end shows them all in UTC, each to the minute. So does paper, which
// may be read anywhere.

import { findAll, findOptional } from "./dom.js";
import { isUtc, ownText, ownZone } from "./moments.js";

const KEY = "wylloh-times";
const UTC = "utc";

/** @type {WeakMap<HTMLTimeElement, { given: string, shown: string }>} */
const drawn = new WeakMap();
const print = window.matchMedia("print");
const sentence = findOptional(document, "#zone-name");
const button = findOptional(document, "#zone-switch", HTMLButtonElement);
let inUtc = remembered();
let onPaper = print.matches;

function remembered() {
  try {
    return sessionStorage.getItem(KEY) === UTC;
  } catch {
    return false;
  }
}

function remember() {
  try {
    if (inUtc) sessionStorage.setItem(KEY, UTC);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage the next page shows the viewer's own zone again.
  }
}

/** @param {HTMLTimeElement} time */
function show(time) {
  const before = drawn.get(time);
  const text = time.textContent ?? "";
  const given = before?.shown === text ? before.given : text;
  const shown = wanted(time, given);
  drawn.set(time, { given, shown });
  if (shown !== text) time.textContent = shown;
}

/**
 * @param {HTMLTimeElement} time
 * @param {string} given what the server wrote
 * @returns {string}
 */
function wanted(time, given) {
  if (inUtc || onPaper) return time.title;
  return isUtc || time.dataset.show === "distance" ? given : ownText(time.dateTime, time.dataset.show);
}

function draw() {
  const times = findAll(document, "time[datetime][title]", HTMLTimeElement);
  times.forEach(show);
  const utc = inUtc || onPaper || isUtc;
  const words = utc ? "Times here are in UTC." : `Times here are in your own zone, ${ownZone.replaceAll("_", " ")}.`;
  const label = inUtc ? "Show my own" : "Show UTC";
  if (sentence && sentence.textContent !== words) sentence.textContent = words;
  if (button && button.textContent !== label) button.textContent = label;
  if (button) button.hidden = isUtc;
}

/** @param {boolean} paper */
function turn(paper) {
  onPaper = paper;
  draw();
}

button?.addEventListener("click", () => {
  inUtc = !inUtc;
  remember();
  draw();
});
window.addEventListener("beforeprint", () => turn(true));
window.addEventListener("afterprint", () => turn(print.matches));
print.addEventListener("change", () => turn(print.matches));
new MutationObserver(draw).observe(document.body, { childList: true, characterData: true, subtree: true });
draw();
