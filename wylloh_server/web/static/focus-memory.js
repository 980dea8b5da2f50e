// Leaves the focus, on the way back to a page, where it was when one left: on a TV, and on the way from a trailer.

import { findAll } from "./dom.js";
import { focusables } from "./spatial-navigation.js";

const PREFIX = "wylloh-focus ";
const PLACES = "main, header.bar";

/** @typedef {{group: string, name: string}} Mark */

/**
 * Remember what has the focus on this page, in this tab only, and nothing where other things have it.
 * @param {string} things
 */
export function rememberFocus(things = "*") {
  document.addEventListener("focusin", ({ target }) => {
    if (!(target instanceof HTMLElement) || !target.closest(PLACES)) return;
    try {
      if (target.matches(things)) sessionStorage.setItem(address(), JSON.stringify(markOf(target)));
      else sessionStorage.removeItem(address());
    } catch {
      // A browser that stores nothing begins at the top.
    }
  });
}

/**
 * Focus what had the focus when this page was left, if one has come back to it. Films that a shelf fetches when they
 * are needed are waited for until a key is pressed.
 * @returns {boolean} whether something has the focus now
 */
export function restoreFocus() {
  const mark = cameBack() ? stored() : null;
  if (!mark) return false;
  const found = find(mark);
  const nearest = found ?? inGroup(mark).at(-1);
  if (!nearest) return false;
  focus(nearest);
  if (!found) waitFor(mark);
  return true;
}

/** @param {Mark} mark */
function waitFor(mark) {
  const controller = new AbortController();
  const { signal } = controller;
  document.addEventListener("keydown", () => controller.abort(), { signal, capture: true });
  document.addEventListener(
    "live:drawn",
    () => {
      const found = find(mark);
      focus(found ?? inGroup(mark).at(-1));
      if (found) controller.abort();
    },
    { signal },
  );
}

/** @param {HTMLElement | undefined} element */
function focus(element) {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "center", inline: "nearest" });
}

function cameBack() {
  const [entry] = performance.getEntriesByType("navigation");
  return entry instanceof PerformanceNavigationTiming && entry.type !== "navigate";
}

function address() {
  return PREFIX + window.location.pathname + window.location.search;
}

/** @returns {Mark | null} */
function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(address()) ?? "null");
  } catch {
    return null;
  }
}

/**
 * The same film may stand in several rows, and a page's address in the bar too: the section tells them apart.
 * @param {HTMLElement} element
 * @returns {Mark}
 */
function markOf(element) {
  const bar = element.closest("header.bar") ? "bar" : "";
  const group = element.closest("section")?.getAttribute("aria-labelledby") ?? bar;
  return { group, name: element.getAttribute("href") ?? element.textContent?.trim() ?? "" };
}

/** @param {Mark} mark */
function find({ group, name }) {
  const same = reachable().filter((element) => markOf(element).name === name);
  return same.find((element) => markOf(element).group === group) ?? same[0];
}

/** @param {Mark} mark */
function inGroup({ group }) {
  return group ? reachable().filter((element) => markOf(element).group === group) : [];
}

function reachable() {
  return findAll(document, PLACES).flatMap((place) => focusables(place));
}
