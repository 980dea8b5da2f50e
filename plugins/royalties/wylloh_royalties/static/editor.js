// Makes the editor of recipients quick: lines come and go without asking the server, and shares add up while they are
// typed. Without this script the same buttons ask the server. Nothing is a float: a basis point is a whole number.

import { closest, find, findOptional } from "/static/dom.js";

const WHOLE = 10_000;
const form = findOptional(document, "#editor", HTMLFormElement);
const lines = findOptional(document, "#lines");
const sum = findOptional(document, "#sum");
const messages = JSON.parse(form?.dataset.messages ?? "{}"); // the server's own (shares.py)

/**
 * Basis points of `12.5`, `12,5 %` or `1250 bp`; null for what is no share.
 * @param {string} text
 * @returns {number | null}
 */
function pointsOf(text) {
  const plain = text.trim();
  const points = /^(\d{1,6})\s*(?:bps?|basis points?)$/i.exec(plain);
  if (points) return Number(points[1]);
  const found = /^(\d{1,6})(?:[.,](\d{1,2})0*)?\s*%?$/.exec(plain);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

/** @param {number} points */
function percent(points) {
  const part = String(points % 100)
    .padStart(2, "0")
    .replace(/0+$/, "");
  return `${Math.floor(points / 100)}${part && "."}${part}\u00a0%`;
}

/**
 * A message with its `{name}` places filled in.
 * @param {string} kind
 * @param {Record<string, string>} values
 */
function filled(kind, values) {
  return messages[kind].replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => values[name]);
}

/** @param {number | null} points */
function bothWays(points) {
  if (points === null || points === 0 || points > WHOLE) return "";
  const written = filled(points === 1 ? "point" : "points", { points: points.toLocaleString("en") });
  return `${percent(points)} · ${written}`;
}

function addUp() {
  let total = 0;
  for (const line of rows()) {
    const points = pointsOf(find(line, "[name=share]", HTMLInputElement).value);
    find(line, "output", HTMLOutputElement).value = bothWays(points);
    total += points ?? 0;
  }
  const kind = total === WHOLE ? "exact" : total < WHOLE ? "missing" : "excess";
  if (sum) sum.textContent = filled(kind, { total: percent(total), gap: percent(Math.abs(WHOLE - total)) });
}

function rows() {
  return [...(lines?.children ?? [])];
}

/** Number ids and names of the lines again, as the server would. */
function number() {
  for (const [at, line] of rows().entries()) {
    for (const field of line.querySelectorAll("input")) {
      field.id = `${field.name}-${at + 1}`;
      if (field.previousElementSibling instanceof HTMLLabelElement) field.previousElementSibling.htmlFor = field.id;
    }
    find(line, "output", HTMLOutputElement).htmlFor.value = `share-${at + 1}`;
    const remove = find(line, "button", HTMLButtonElement);
    remove.value = `remove:${at + 1}`;
    find(remove, ".visually-hidden").textContent = ` recipient ${at + 1}`;
  }
}

/** @param {Element} line */
function empty(line) {
  line.classList.remove("stop");
  line.querySelector(".fault")?.remove();
  for (const field of line.querySelectorAll("input")) {
    field.value = "";
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

function add() {
  const line = /** @type {Element} */ (rows().at(-1)?.cloneNode(true));
  empty(line);
  lines?.append(line);
  number();
  find(line, "input").focus();
}

/** @param {Element} line */
function remove(line) {
  const next = line.nextElementSibling ?? line.previousElementSibling;
  if (next) line.remove();
  else empty(line);
  number();
  find(next ?? line, "button").focus();
}

form?.addEventListener("click", (event) => {
  const button = closest(event.target, "button[name=do]", HTMLButtonElement);
  if (!button) return;
  const line = button.closest(".line");
  if (button.value === "add" && rows().length < 50) add();
  else if (line) remove(line);
  else return;
  event.preventDefault();
  addUp();
});
form?.addEventListener("input", addUp);
