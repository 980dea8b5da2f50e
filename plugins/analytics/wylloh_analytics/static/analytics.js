// Draws the charts of a page out of their tables, and fetches those further down when they are scrolled to.

import { draw, sizeOf } from "./plot.js";
import { savePicture } from "./png.js";
import { chartIn, spoken } from "./table.js";

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

/** Draw a section's chart and fold its table away; a section without one only says why. */
function show(section) {
  const figure = section.querySelector(".plot");
  if (!figure) return;
  foldTable(section);
  if (!window.uPlot) {
    section.querySelector("[data-table]").click(); // the numbers are all there
    return;
  }
  figure.hidden = false;
  const chart = chartIn(section);
  const drawn = draw(figure, chart);
  read(section, figure, chart, drawn);
  offerPicture(section, drawn.plot);
  follow(figure, drawn.plot);
}

function foldTable(section) {
  const button = section.querySelector("[data-table]");
  const table = section.querySelector(".numbers");
  const fold = (folded) => {
    table.hidden = folded;
    button.setAttribute("aria-expanded", String(!folded));
  };
  button.hidden = false;
  button.addEventListener("click", () => fold(!table.hidden));
  fold(true);
}

/** Left and right go from point to point and say what is there; so does a finger or a mouse. */
function read(section, figure, chart, { plot, point }) {
  const line = section.querySelector(".reading");
  const last = chart.labels.length - 1;
  let at = last;
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
  plot.over.addEventListener("pointermove", () => plot.cursor.idx === null || say(plot.cursor.idx));
  plot.over.addEventListener("pointerdown", () => plot.cursor.idx === null || say(plot.cursor.idx));
}

function offerPicture(section, plot) {
  const button = section.querySelector("[data-png]");
  button.hidden = false;
  button.addEventListener("click", () => savePicture(section, plot));
}

function follow(figure, plot) {
  let timer = 0;
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => figure.isConnected && plot.setSize(sizeOf(figure)), WIDTH_CHANGED_MS);
  }).observe(figure);
}

/** Fetch a section's own page, or another of the same chart, and put the chart it has in the section's place. */
async function fetchInto(section, address = section.dataset.page ?? section.dataset.here) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = document.adoptNode(page.querySelector("section.chart"));
  if (section.querySelector("h2 a")) linkTitle(fresh);
  const focused = focusIn(section);
  section.replaceWith(fresh);
  show(fresh);
  if (section.querySelector("h2 a")) chooseHere(fresh);
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
  keepInSight(document.activeElement);
}

/** A chart that comes above must not push what somebody is at out of sight: a remote cannot bring it back. */
function keepInSight(element) {
  if (document.documentElement.dataset.distance === "tv" && element.closest("main")) element.scrollIntoView({ block: "center" });
}

/** Where in a section the focus is, so that who steps through the page does not lose their place; null if it is not. */
function focusIn(section) {
  if (!section.contains(document.activeElement)) return null;
  return PLACES.find(([place]) => document.activeElement.matches(place))?.[1] ?? null;
}

/** Among other charts, look at another part of one without leaving them. A new tab still is one. */
function chooseHere(section) {
  for (const link of section.querySelectorAll("[data-choice]")) {
    link.addEventListener("click", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      link.focus();
      fetchInto(section, link.href).catch(() => window.location.assign(link.href));
    });
  }
}

async function fill(section) {
  section.setAttribute("aria-busy", "true");
  try {
    await fetchInto(section);
  } catch {
    fail(section);
  }
}

function linkTitle(section) {
  const title = section.querySelector("h2");
  const link = document.createElement("a");
  link.href = section.dataset.here;
  link.append(...title.childNodes);
  title.append(link);
}

/** Draw the charts again that are there already, but for one that somebody is reading. */
async function renew() {
  for (const section of document.querySelectorAll("section.chart[data-here]")) {
    const open = section.querySelector("[data-table][aria-expanded=true]");
    if (!open && !section.querySelector(".plot:focus")) await fetchInto(section).catch(() => {});
  }
}

function fail(section) {
  section.removeAttribute("aria-busy");
  const notice = document.getElementById("chart-failed").content.cloneNode(true);
  const waiting = [...section.children].slice(1);
  notice.querySelector("[data-again]").addEventListener("click", (event) => {
    event.target.closest(".failed").replaceWith(...waiting);
    fill(section);
  });
  waiting.forEach((element) => element.remove());
  section.append(notice);
}

function fetchWhenNear(sections) {
  const near = new IntersectionObserver(
    (seen) =>
      seen
        .filter(({ isIntersecting }) => isIntersecting)
        .forEach(({ target }) => {
          near.unobserve(target);
          fill(target);
        }),
    { rootMargin: EARLY },
  );
  sections.forEach((section) => near.observe(section));
}

await document.fonts.ready; // the letters on the charts are the page's
for (const section of document.querySelectorAll("section.chart[data-shape]")) {
  show(section);
  if (section.querySelector("h2 a")) chooseHere(section);
}
fetchWhenNear(document.querySelectorAll("section.chart[data-page]"));
document.getElementById("proof").addEventListener("live:drawn", renew);
