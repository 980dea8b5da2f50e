// Selecting films: boxes over the cards, a bar that says how many and what can be done to them, a dialog that says
// what will happen. The selection survives going to another page of films, such as one that a filter shows.

import { byId, closest, findAll, findOptional } from "./dom.js";
import { showStarted } from "./live/toasts.js";
import { isBack, onTv } from "./remote-control.js";
import { confirmBatch } from "./select/batch-dialog.js";
import { forget, recall, remember } from "./select/storage.js";

const begin = byId("select");
const bar = byId("picked");
const dialog = byId("batch-dialog", HTMLDialogElement);
/** @type {Set<string>} */
const picked = new Set();
/** @type {HTMLInputElement | undefined} */
let last; // the box that was used last: Shift selects from there

const picking = () => document.body.classList.contains("picking");
const boxes = (/** @type {ParentNode} */ root = document) => findAll(root, ".pick", HTMLInputElement);

function enter() {
  document.body.classList.add("picking");
  bar.hidden = false;
  draw();
}

function leave() {
  document.body.classList.remove("picking");
  bar.hidden = true;
  picked.clear();
  last = undefined;
  draw();
  forget();
  begin.focus({ preventScroll: true });
}

/** Make the page show what is selected; also after a part of it was redrawn. */
function draw() {
  begin.setAttribute("aria-pressed", String(picking()));
  for (const box of boxes()) {
    box.checked = picked.has(box.value);
    // A card that can be selected leads nowhere meanwhile.
    const card = box.parentElement ?? box;
    for (const other of findAll(card, ":scope > *")) if (other !== box) other.inert = picking();
  }
  const shown = new Set(boxes().map(({ value }) => value));
  const away = [...picked].filter((film) => !shown.has(film)).length;
  byId("picked-count").textContent = `${counted(picked.size)} selected`;
  byId("picked-away").textContent = away ? `${away.toLocaleString("en")} not shown here` : "";
  for (const action of findAll(bar, "[data-action]", HTMLButtonElement)) action.disabled = picked.size === 0;
  for (const button of findAll(document, ".pick-all")) {
    const { all = "", none = "" } = button.dataset;
    button.textContent = ofSection(button).every(isPicked) ? none : all;
  }
}

/** @param {number} films */
function counted(films) {
  return films === 1 ? "1 film" : `${films.toLocaleString("en")} films`;
}

/** @param {HTMLInputElement} box */
const isPicked = ({ value }) => picked.has(value);
/** @param {Element} button */
const ofSection = (button) => boxes(button.closest("section") ?? document);

/**
 * @param {HTMLInputElement[]} some
 * @param {boolean} wanted
 */
function set(some, wanted) {
  for (const { value } of some) picked[wanted ? "add" : "delete"](value);
  draw();
  remember(picked);
}

/** @type {Record<string, (button: HTMLElement) => void>} */
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

/**
 * One box was used; with Shift, all from the one before to this one follow it.
 * @param {HTMLInputElement} box
 * @param {MouseEvent} event
 */
function chosen(box, { shiftKey }) {
  const all = boxes();
  const [from, to] = [last ? all.indexOf(last) : -1, all.indexOf(box)].sort((one, other) => one - other);
  set(shiftKey && from >= 0 ? all.slice(from, to + 1) : [box], box.checked);
  last = box;
}

/** @param {HTMLButtonElement} button */
async function act(button) {
  const films = [...picked];
  const done = await confirmBatch(dialog, button.dataset, button.textContent?.trim() ?? "", films);
  if (!done) {
    button.focus({ preventScroll: true });
    return;
  }
  leave();
  showStarted({ sentence: `Begun: ${done.words} · ${counted(films.length)}.`, link: "/tasks", task: done.task });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (!picking()) return;
  if (isBack(event)) {
    back(event);
    return;
  }
  // A remote control has Enter alone: it ticks.
  const box = closest(event.target, onTv() ? ".pick, .choices input" : ".pick");
  if (event.key !== "Enter" || !box) return;
  event.preventDefault();
  box.click();
}

/**
 * Back closes the dialog, then leads from the films to the bar, and from there out.
 * @param {KeyboardEvent} event
 */
function back(event) {
  event.preventDefault();
  event.stopPropagation();
  if (dialog.open) {
    dialog.close();
    return;
  }
  const first = findOptional(bar, ".batch-actions button:not([disabled])");
  if (bar.contains(document.activeElement) || !first) leave();
  else first.focus({ preventScroll: true });
}

begin.hidden = false;
begin.addEventListener("click", () => {
  if (picking()) {
    leave();
    return;
  }
  enter();
  boxes()[0]?.focus({ preventScroll: true });
});
byId("picked-end").addEventListener("click", leave);
document.addEventListener("click", (event) => {
  const box = closest(event.target, ".pick", HTMLInputElement);
  const choice = closest(event.target, "[data-pick]");
  const action = closest(event.target, "[data-action]", HTMLButtonElement);
  if (box) chosen(box, event);
  else if (choice?.dataset.pick && picking()) CHOICES[choice.dataset.pick]?.(choice);
  else if (action && bar.contains(action)) act(action);
});
document.addEventListener("keydown", pressed, { capture: true });
document.addEventListener("live:drawn", () => picking() && draw());

const before = recall();
if (before) {
  for (const film of before) picked.add(film);
  enter();
}
