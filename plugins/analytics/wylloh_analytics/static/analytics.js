// Draws the charts of a page out of their tables, and fetches those further down when they are scrolled to.

import { byId, closest, find, findAll, findOptional } from "/static/dom.js";
import { draw, sizeOf } from "./plot.js";
import { savePicture } from "./png.js";
import { chartIn, spoken } from "./table.js";

/**
 * @import uPlot from "uplot"
 * @typedef {import("./table.js").Chart} Chart
 */

const EARLY = "400px"; // fetched before they are seen
const WIDTH_CHANGED_MS = 120;

/** Where the focus can be in a section, and where it is then in the one that takes its place. */
const PLACES = [
  ["h2 a", "h2 a"],
  ["[data-table]", "[data-table]"],
  ["[download]", "[download]"],
  ["[data-png]", "[data-png]"],
  ["[data-choice]", "[data-choice][aria-current]"],
  ["[data-again]", "h2 a"],
];

/**
 * Draw a section's chart and fold its table away; a section without one only says why.
 * @param {HTMLElement} section
 */
function show(section) {
  const figure = findOptional(section, ".plot");
  if (!figure) return;
  foldTable(section);
  if (!window.uPlot) {
    find(section, "[data-table]").click(); // the numbers are all there
    return;
  }
  figure.hidden = false;
  const chart = chartIn(section);
  const drawn = draw(figure, chart);
  read(section, figure, chart, drawn);
  offerPicture(section, drawn.plot);
  follow(figure, drawn.plot);
}

/** @param {HTMLElement} section */
function foldTable(section) {
  const button = find(section, "[data-table]");
  const table = find(section, ".numbers");
  /** @param {boolean} folded */
  const fold = (folded) => {
    table.hidden = folded;
    button.setAttribute("aria-expanded", String(!folded));
  };
  button.hidden = false;
  button.addEventListener("click", () => fold(!table.hidden));
  fold(true);
}

/**
 * Left and right go from point to point and say what is there; so does a finger or a mouse.
 * @param {HTMLElement} section
 * @param {HTMLElement} figure
 * @param {Chart} chart
 * @param {{plot: uPlot, point: (index: number) => void}} drawn
 */
function read(section, figure, chart, { plot, point }) {
  const line = find(section, ".reading");
  const last = chart.labels.length - 1;
  let at = last;
  /** @param {number} index */
  const say = (index) => {
    at = index;
    line.textContent = spoken(chart, index);
  };
  figure.addEventListener("keydown", (event) => {
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (next === undefined || next < 0 || next > last || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    point(next);
    say(next);
  });
  figure.addEventListener("focus", () => {
    point(at);
    say(at);
  });
  plot.over.addEventListener("pointermove", () => typeof plot.cursor.idx !== "number" || say(plot.cursor.idx));
  plot.over.addEventListener("pointerdown", () => typeof plot.cursor.idx !== "number" || say(plot.cursor.idx));
}

/**
 * @param {HTMLElement} section
 * @param {uPlot} plot
 */
function offerPicture(section, plot) {
  const button = find(section, "[data-png]");
  button.hidden = false;
  button.addEventListener("click", () => savePicture(section, plot));
}

/**
 * @param {HTMLElement} figure
 * @param {uPlot} plot
 */
function follow(figure, plot) {
  let timer = 0;
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => figure.isConnected && plot.setSize(sizeOf(figure)), WIDTH_CHANGED_MS);
  }).observe(figure);
}

/**
 * Fetch a section's own page, or another of the same chart, and put the chart it has in the section's place.
 * @param {HTMLElement} section
 * @param {string | undefined} address
 */
async function fetchInto(section, address = section.dataset.page ?? section.dataset.here) {
  const answer = await fetch(address ?? "", { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = document.adoptNode(find(page, "section.chart"));
  if (section.querySelector("h2 a")) linkTitle(fresh);
  const focused = focusIn(section);
  section.replaceWith(fresh);
  show(fresh);
  if (section.querySelector("h2 a")) chooseHere(fresh);
  if (focused) findOptional(fresh, focused)?.focus({ preventScroll: true });
}

/**
 * Where in a section the focus is, so that who steps through the page does not lose their place; null if it is not.
 * @param {HTMLElement} section
 */
function focusIn(section) {
  if (!section.contains(document.activeElement)) return null;
  return PLACES.find(([place]) => document.activeElement?.matches(place))?.[1] ?? null;
}

/**
 * Among other charts, look at another part of one without leaving them. A new tab still is one.
 * @param {HTMLElement} section
 */
function chooseHere(section) {
  for (const link of findAll(section, "[data-choice]", HTMLAnchorElement)) {
    link.addEventListener("click", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      link.focus();
      fetchInto(section, link.href).catch(() => window.location.assign(link.href));
    });
  }
}

/** @param {HTMLElement} section */
async function fill(section) {
  section.setAttribute("aria-busy", "true");
  try {
    await fetchInto(section);
  } catch {
    fail(section);
  }
}

/** @param {HTMLElement} section */
function linkTitle(section) {
  const title = find(section, "h2");
  const link = document.createElement("a");
  link.href = section.dataset.here ?? "";
  link.append(...title.childNodes);
  title.append(link);
}

/** Draw the charts again that are there already, but for one that somebody is reading. */
async function renew() {
  for (const section of findAll(document, "section.chart[data-here]")) {
    const open = section.querySelector("[data-table][aria-expanded=true]");
    if (!open && !section.querySelector(".plot:focus")) await fetchInto(section).catch(() => {});
  }
}

/** @param {HTMLElement} section */
function fail(section) {
  section.removeAttribute("aria-busy");
  const notice = /** @type {DocumentFragment} */ (byId("chart-failed", HTMLTemplateElement).content.cloneNode(true));
  const waiting = [...section.children].slice(1);
  find(notice, "[data-again]").addEventListener("click", (event) => {
    closest(event.target, ".failed")?.replaceWith(...waiting);
    fill(section);
  });
  for (const element of waiting) element.remove();
  section.append(notice);
}

/** @param {HTMLElement[]} sections */
function fetchWhenNear(sections) {
  const near = new IntersectionObserver(
    (seen) => {
      for (const { target } of seen.filter(({ isIntersecting }) => isIntersecting)) {
        near.unobserve(target);
        fill(/** @type {HTMLElement} */ (target));
      }
    },
    { rootMargin: EARLY },
  );
  for (const section of sections) near.observe(section);
}

await document.fonts.ready; // the letters on the charts are the page's
for (const section of findAll(document, "section.chart[data-shape]")) {
  show(section);
  if (section.querySelector("h2 a")) chooseHere(section);
}
fetchWhenNear(findAll(document, "section.chart[data-page]"));
byId("proof").addEventListener("live:drawn", renew);
