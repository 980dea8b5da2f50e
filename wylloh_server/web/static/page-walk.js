// Where a remote's arrow keys lead on a page: to the next thing that can take the focus, unless it lies so far away
// that what stands between would be passed unseen. Then the page scrolls on, as it does where nothing is left.

import { findOptional } from "./dom.js";
import { focusables, focusOn, initialFocus, isCalm, isTall, nearest } from "./spatial-navigation.js";

const STEP = 0.6; // of a screen
const FARTHEST = 0.9;
const MOST = 0.75; // of a thing
/** @type {HTMLElement | null} */
let last = null; // what this has focused, and the page may still be scrolling to

/** @typedef {import("./remote-control.js").Direction} Direction */

/** Focus what a page begins with, if it is in sight where the page opens: at its top. */
export function beginPage() {
  initialFocus(inSight(focusables(findOptional(document, "main") ?? document)))?.focus({ preventScroll: true });
}

/**
 * Follow an arrow key. Return whether the focus or the page has moved.
 * @param {Direction} direction
 * @returns {boolean}
 */
export function walk(direction) {
  const target = ahead(direction);
  const sideways = direction === "left" || direction === "right";
  if (target && (sideways || distance(target) <= FARTHEST * window.innerHeight || !scrolls(direction))) {
    focusOn(target);
    last = target;
    return true;
  }
  if (sideways || !scrolls(direction)) return false;
  const step = direction === "down" ? STEP : -STEP;
  last = null; // from here on the page leaves what has the focus
  window.scrollBy({ top: step * window.innerHeight, behavior: isCalm() ? "auto" : "smooth" });
  return true;
}

/**
 * What comes next in a direction: what has the focus, where the page was scrolled away from it.
 * @param {Direction} direction
 * @returns {HTMLElement | null}
 */
function ahead(direction) {
  const elements = focusables();
  const current = elements.find((element) => element === document.activeElement);
  if (!current) return fromEdge(direction, elements);
  const from = current.getBoundingClientRect();
  if (current === last) return closest(from, elements, direction, current);
  if (direction === "up" ? from.bottom <= 0 : direction === "down" && from.top >= window.innerHeight) return current;
  return closest(from, elements, direction, current);
}

/**
 * Begin at the edge of the screen, while nothing has the focus. Downwards the bar over the page does not count.
 * @param {Direction} direction
 * @param {HTMLElement[]} elements
 */
function fromEdge(direction, elements) {
  if (direction === "left" || direction === "right") return initialFocus(inSight(elements));
  const edge = direction === "down" ? 0 : window.innerHeight;
  const line = { top: edge, bottom: edge, left: 0, right: window.innerWidth };
  const below = elements.filter((element) => direction === "up" || element.closest("main"));
  return closest(line, below, direction);
}

/**
 * @param {import("./spatial-navigation.js").Rectangle} from
 * @param {HTMLElement[]} elements
 * @param {Direction} direction
 * @param {HTMLElement} [current]
 */
function closest(from, elements, direction, current) {
  const others = elements.filter((element) => element !== current);
  const index = nearest(
    from,
    others.map((element) => element.getBoundingClientRect()),
    direction,
  );
  return index < 0 ? null : others[index];
}

/**
 * Those that are on the screen but for an edge, such as a poster; where there are none, those of which half is.
 * @param {HTMLElement[]} elements
 */
function inSight(elements) {
  const shown = elements.map((element) => ({ element, part: visiblePart(element) }));
  const most = shown.filter(({ part }) => part >= MOST);
  return (most.length ? most : shown.filter(({ part }) => part >= 0.5)).map(({ element }) => element);
}

/** @param {HTMLElement} element */
function visiblePart(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  return (Math.min(bottom, window.innerHeight) - Math.max(top, 0)) / Math.min(height, window.innerHeight);
}

/**
 * How far the page scrolls to what gets the focus: from where it stands, or from where it is still scrolling to.
 * @param {HTMLElement} element
 */
function distance(element) {
  const { top, bottom } = element.getBoundingClientRect();
  const here = Math.abs(isTall(element) ? top : (top + bottom - window.innerHeight) / 2);
  if (!last || last !== document.activeElement || last === element) return here;
  const from = last.getBoundingClientRect();
  return Math.min(here, Math.abs(top + bottom - from.top - from.bottom) / 2);
}

/** @param {Direction} direction */
function scrolls(direction) {
  const { scrollTop, scrollHeight } = document.documentElement;
  return direction === "up" ? scrollTop > 1 : scrollTop + window.innerHeight < scrollHeight - 1;
}
