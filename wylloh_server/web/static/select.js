// Selecting films: boxes over the cards, a bar that says how many and what can be done to them, a dialog that says
// what will happen. The selection survives going to another page of films, such as one that a filter shows.

import { begun } from "./live/notices.js";
import { isBack, onTv } from "./remote.js";
import { confirmed } from "./select/confirm.js";
import { forget, recall, remember } from "./select/kept.js";

const begin = document.getElementById("select");
const bar = document.getElementById("picked");
const dialog = document.getElementById("deed");
const picked = new Set();
let last = null; // the box that was used last: Shift selects from there

const picking = () => document.body.classList.contains("picking");
const boxes = (root = document) => [...root.querySelectorAll(".pick")];

function enter() {
  document.body.classList.add("picking");
  bar.hidden = false;
  draw();
}

function leave() {
  document.body.classList.remove("picking");
  bar.hidden = true;
  picked.clear();
  last = null;
  draw();
  forget();
  begin.focus({ preventScroll: true });
}

/** Make the page show what is selected; also after a part of it was drawn anew. */
function draw() {
  begin.setAttribute("aria-pressed", String(picking()));
  for (const box of boxes()) {
    box.checked = picked.has(box.value);
    // A card that can be selected leads nowhere meanwhile.
    for (const other of box.parentElement.children) if (other !== box) other.inert = picking();
  }
  const shown = new Set(boxes().map(({ value }) => value));
  const away = [...picked].filter((film) => !shown.has(film)).length;
  document.getElementById("picked-count").textContent = `${counted(picked.size)} selected`;
  document.getElementById("picked-away").textContent = away ? `${away.toLocaleString("en")} not shown here` : "";
  for (const deed of bar.querySelectorAll("[data-action]")) deed.disabled = picked.size === 0;
  for (const button of document.querySelectorAll(".pick-all")) {
    button.textContent = `Select ${ofSection(button).every(isPicked) ? "none" : "all"} of these`;
  }
}

function counted(films) {
  return films === 1 ? "1 film" : `${films.toLocaleString("en")} films`;
}

const isPicked = ({ value }) => picked.has(value);
const ofSection = (button) => boxes(button.closest("section"));

function set(some, wanted) {
  for (const { value } of some) picked[wanted ? "add" : "delete"](value);
  draw();
  remember(picked);
}

const CHOICES = {
  all: () => set(boxes(), true),
  none: () => {
    picked.clear();
    set([], true);
  },
  invert: () => {
    const before = new Set(picked);
    const shown = new Set(boxes().map(({ value }) => value));
    for (const film of shown) picked[before.has(film) ? "delete" : "add"](film);
    set([], true);
  },
  section: (button) => set(ofSection(button), !ofSection(button).every(isPicked)),
};

/** One box was used; with Shift, all from the one before to this one follow it. */
function chosen(box, { shiftKey }) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
  set(shiftKey && from >= 0 ? all.slice(from, to + 1) : [box], box.checked);
  last = box;
}

async function act(button) {
  const films = [...picked];
  const done = await confirmed(dialog, button.dataset, button.textContent.trim(), films);
  if (!done) return button.focus({ preventScroll: true });
  leave();
  begun({ sentence: `Begun: ${done.words} · ${counted(films.length)}.`, link: "/tasks", task: done.task });
}

function pressed(event) {
  if (!picking()) return;
  if (isBack(event)) return back(event);
  // A remote control has Enter alone: it ticks.
  if (event.key !== "Enter" || !event.target.matches(onTv() ? ".pick, .choices input" : ".pick")) return;
  event.preventDefault();
  event.target.click();
}

/** Back closes the dialog, then leads from the films to the bar, and from there out. */
function back(event) {
  event.preventDefault();
  event.stopPropagation();
  if (dialog.open) return dialog.close();
  const way = bar.querySelector(".deeds button:not([disabled])");
  if (bar.contains(document.activeElement) || !way) return leave();
  way.focus({ preventScroll: true });
}

begin.hidden = false;
begin.addEventListener("click", () => {
  if (picking()) return leave();
  enter();
  boxes()[0]?.focus({ preventScroll: true });
});
document.getElementById("picked-end").addEventListener("click", leave);
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches(".pick")) return chosen(target, event);
  if (target.dataset?.pick && picking()) return CHOICES[target.dataset.pick](target);
  if (target.dataset?.action && bar.contains(target)) act(target);
});
document.addEventListener("keydown", pressed, { capture: true });
document.addEventListener("live:drawn", () => picking() && draw());

const before = recall();
if (before) {
  before.forEach((film) => picked.add(film));
  enter();
}
