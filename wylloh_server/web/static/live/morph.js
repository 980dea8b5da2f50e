// Makes an element equal to another one and keeps what a person did to it: focus, scrolling, typed text, ticks.

import { Idiomorph } from "/static/vendor/idiomorph/idiomorph.esm.js";

const PREFIX = "live-key:";
const OPENABLE = new Set(["DETAILS", "DIALOG"]);

/**
 * Change `from` into `to`. Elements are matched by id, `data-key`, the heading that labels them or the address they
 * link to; an element with `data-live-keep` stays as it is.
 * @param {HTMLElement} from
 * @param {HTMLElement} to
 */
export function morph(from, to) {
  if (from.isEqualNode(to) || "liveKeep" in from.dataset) return;
  identify(from);
  identify(to);
  try {
    Idiomorph.morph(from, to, { morphStyle: "outerHTML", callbacks: { beforeNodeMorphed, beforeAttributeUpdated } });
  } finally {
    for (const element of from.querySelectorAll(`[id^="${PREFIX}"]`)) element.removeAttribute("id");
  }
}

/** Whether Idiomorph may change this node. */
function beforeNodeMorphed(/** @type {Node} */ node) {
  return !(node instanceof HTMLElement && "liveKeep" in node.dataset);
}

/** Whether Idiomorph may change this attribute: what a person opened, typed or ticked is theirs. */
function beforeAttributeUpdated(/** @type {string} */ name, /** @type {Element} */ element) {
  if (name === "open") return !OPENABLE.has(element.tagName);
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return true;
  if (name === "value") return element.value === element.defaultValue;
  return !(name === "checked" && element instanceof HTMLInputElement && element.checked !== element.defaultChecked);
}

/**
 * Idiomorph matches elements by their ids alone: give a temporary one to each element that has another key. The same
 * film may stand in several rows, so a key counts inside the nearest ancestor with an id.
 * @param {HTMLElement} root
 */
function identify(root) {
  const taken = new Set();
  for (const element of root.querySelectorAll("*")) {
    const key = element.id ? "" : keyOf(element);
    const id = `${PREFIX}${element.parentElement?.closest("[id]")?.id ?? ""}/${element.nodeName}=${key}`;
    if (!key || taken.has(id)) continue;
    taken.add(id);
    element.id = id;
  }
}

/**
 * Return what tells an element from its siblings; "" if nothing does.
 * @param {Element} element
 */
function keyOf(element) {
  const key = element.getAttribute("data-key") ?? element.getAttribute("aria-labelledby");
  if (key) return key;
  const link = element.nodeName === "LI" ? element.querySelector("a[href]") : element.nodeName === "A" ? element : null;
  return link?.getAttribute("href") ?? "";
}
