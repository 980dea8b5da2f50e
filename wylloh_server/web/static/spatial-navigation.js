// Which element lies above, below, left or right of another: what a TV's arrow keys need.

import { findAll } from "./dom.js";

const FOCUSABLE =
  "a[href], button:not([disabled]), input:not([disabled]), summary, select:not([disabled]), [tabindex='0']";
const SAME_BAND = 40;

/**
 * @typedef {import("./remote-control.js").Direction} Direction
 * @typedef {"top" | "bottom" | "left" | "right"} Side
 * @typedef {Record<Side, number>} Rectangle
 */

/**
 * Everything inside `root` that can take the focus and can be seen.
 * @param {ParentNode} root
 * @returns {HTMLElement[]}
 */
export function focusables(root = document) {
  return findAll(root, FOCUSABLE)
    .filter((element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null)
    .filter((element) => element.getBoundingClientRect().width > 0 && !element.closest(".skip, [inert]"));
}

/**
 * Choose among rectangles the one to go to: the nearest band of things in that direction, and in it the one
 * that lies most straight ahead. Left and right stay in their row. Return an index, or -1.
 * @param {Rectangle} from
 * @param {Rectangle[]} rectangles
 * @param {Direction} direction
 * @returns {number}
 */
export function nearest(from, rectangles, direction) {
  const ahead = rectangles
    .map((rectangle, index) => ({ index, ...measured(from, rectangle, direction) }))
    .filter(({ along, aside }) => along < Number.POSITIVE_INFINITY && (isVertical(direction) || aside === 0));
  if (ahead.length === 0) return -1;
  const first = Math.min(...ahead.map(({ along }) => along));
  const band = ahead.filter(({ along }) => along <= first + SAME_BAND);
  band.sort((one, other) => one.aside - other.aside || one.askew - other.askew || one.along - other.along);
  return band[0].index;
}

/**
 * Move the focus inside `root`. Return the newly focused element; null if there is none in that direction.
 * @param {Direction} direction
 * @param {Document | HTMLElement} root
 * @returns {HTMLElement | null}
 */
export function moveFocus(direction, root = document) {
  const elements = focusables(root);
  const current = /** @type {HTMLElement} */ (document.activeElement);
  const target = elements.includes(current) ? next(current, elements, direction) : initialFocus(elements);
  if (!target) return null;
  // What moves inside a part of the page, such as the player, is in sight already.
  if (root === document) focusOn(target);
  else target.focus({ preventScroll: true });
  return target;
}

/**
 * Focus something, and bring it into sight: into the middle, or from its beginning on if it fills the screen.
 * @param {HTMLElement} target
 */
export function focusOn(target) {
  target.focus({ preventScroll: true });
  const block = isTall(target) ? "start" : "center";
  target.scrollIntoView({ block, inline: "nearest", behavior: isCalm() ? "auto" : "smooth" });
}

/** @param {HTMLElement} element */
export function isTall(element) {
  return element.getBoundingClientRect().height > 0.8 * window.innerHeight;
}

/**
 * Where the focus begins: the thing one came to do (also a trailer), else what the page says to read, else the first
 * film, else the first thing there is.
 * @param {HTMLElement[]} elements
 * @returns {HTMLElement | null}
 */
export function initialFocus(elements) {
  const inside = (/** @type {string} */ selector) => elements.find((element) => element.matches(selector));
  const button = inside("main .button.button-primary") ?? inside("main .stage .button");
  return button ?? inside("main [tabindex='0']") ?? inside("main .card") ?? inside("main *") ?? elements[0] ?? null;
}

/**
 * @param {HTMLElement} current
 * @param {HTMLElement[]} elements
 * @param {Direction} direction
 */
function next(current, elements, direction) {
  const others = elements.filter((element) => element !== current);
  const index = nearest(
    current.getBoundingClientRect(),
    others.map((element) => element.getBoundingClientRect()),
    direction,
  );
  return index < 0 ? null : others[index];
}

/**
 * How far ahead (infinitely: not ahead at all), how far to the side, and how far off the middle.
 * @param {Rectangle} from
 * @param {Rectangle} to
 * @param {Direction} direction
 */
function measured(from, to, direction) {
  const vertical = isVertical(direction);
  /** @type {Side[]} */
  const [near, far, low, high] = vertical ? ["top", "bottom", "left", "right"] : ["left", "right", "top", "bottom"];
  const forward = direction === "down" || direction === "right";
  const middle = (/** @type {Rectangle} */ rectangle, /** @type {Side} */ a, /** @type {Side} */ b) =>
    (rectangle[a] + rectangle[b]) / 2;
  const step = middle(to, near, far) - middle(from, near, far);
  const overlaps = Math.min(from[far], to[far]) - Math.max(from[near], to[near]);
  const beyond = forward ? step > 1 : step < -1;
  const apart = overlaps < Math.min(from[far] - from[near], to[far] - to[near]) / 2;
  const gap = forward ? to[near] - from[far] : from[near] - to[far];
  return {
    along: beyond && apart ? Math.max(0, gap) : Number.POSITIVE_INFINITY,
    aside: Math.max(0, Math.max(from[low], to[low]) - Math.min(from[high], to[high])),
    askew: Math.abs(middle(to, low, high) - middle(from, low, high)),
  };
}

/** @param {Direction} direction */
function isVertical(direction) {
  return direction === "up" || direction === "down";
}

export function isCalm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
