// Which element lies above, below, left or right of another: what a TV's arrow keys need.

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), summary, select:not([disabled]), [tabindex='0']";
const SAME_BAND = 40;

/** Everything inside `root` that can take the focus and can be seen. */
export function focusables(root = document) {
  return [...root.querySelectorAll(FOCUSABLE)].filter(
    (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null,
  ).filter((element) => element.getBoundingClientRect().width > 0 && !element.closest(".skip, [inert]"));
}

/**
 * Choose among rectangles the one to go to: the nearest band of things in that direction, and in it the one
 * that lies most straight ahead. Left and right stay in their row. Gives an index, or -1.
 */
export function nearest(from, rectangles, direction) {
  const ahead = rectangles
    .map((rectangle, index) => ({ index, ...measured(from, rectangle, direction) }))
    .filter(({ along, aside }) => along !== null && (isVertical(direction) || aside === 0));
  if (ahead.length === 0) return -1;
  const first = Math.min(...ahead.map(({ along }) => along));
  const band = ahead.filter(({ along }) => along <= first + SAME_BAND);
  band.sort((one, other) => one.aside - other.aside || one.askew - other.askew || one.along - other.along);
  return band[0].index;
}

/** Move the focus inside `root`. Gives the newly focused element, or null when there is nowhere to go. */
export function moveFocus(direction, root = document) {
  const elements = focusables(root);
  const current = document.activeElement;
  const target = elements.includes(current) ? next(current, elements, direction) : entrance(elements);
  if (!target) return null;
  target.focus({ preventScroll: true });
  // What moves inside a part of the page, such as the player, is in sight already.
  if (root === document) target.scrollIntoView({ block: "center", inline: "nearest", behavior: calm() ? "auto" : "smooth" });
  return target;
}

/** Where the focus begins: the thing one came to do, else the first film, else the first thing there is. */
export function entrance(elements) {
  const inside = (selector) => elements.find((element) => element.matches(selector));
  return inside("main .btn.go") ?? inside("main .card") ?? inside("main *") ?? elements[0] ?? null;
}

function next(current, elements, direction) {
  const others = elements.filter((element) => element !== current);
  const index = nearest(
    current.getBoundingClientRect(),
    others.map((element) => element.getBoundingClientRect()),
    direction,
  );
  return index < 0 ? null : others[index];
}

/** How far ahead (`null`: not ahead at all), how far to the side, and how far off the middle. */
function measured(from, to, direction) {
  const vertical = isVertical(direction);
  const [near, far, low, high] = vertical ? ["top", "bottom", "left", "right"] : ["left", "right", "top", "bottom"];
  const forward = direction === "down" || direction === "right";
  const middle = (rectangle, a, b) => (rectangle[a] + rectangle[b]) / 2;
  const step = middle(to, near, far) - middle(from, near, far);
  const overlaps = Math.min(from[far], to[far]) - Math.max(from[near], to[near]);
  const beyond = forward ? step > 1 : step < -1;
  const apart = overlaps < Math.min(from[far] - from[near], to[far] - to[near]) / 2;
  const gap = forward ? to[near] - from[far] : from[near] - to[far];
  return {
    along: beyond && apart ? Math.max(0, gap) : null,
    aside: Math.max(0, Math.max(from[low], to[low]) - Math.min(from[high], to[high])),
    askew: Math.abs(middle(to, low, high) - middle(from, low, high)),
  };
}

function isVertical(direction) {
  return direction === "up" || direction === "down";
}

function calm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
