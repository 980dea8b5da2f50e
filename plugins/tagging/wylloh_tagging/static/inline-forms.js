// Adds, removes and answers tags without leaving the page: the form is sent, and the parts about tags redrawn. The focus
// stays on what was pressed, or goes to what stands in its place, so that a remote can answer one after the other.

import { closest, find, findAll, findOptional } from "/static/dom.js";
import { morph } from "/static/live/morph.js";

const PARTS = ["film-tags", "suggested-tags", "suggested-films"];

document.addEventListener("submit", async (event) => {
  const form = closest(event.target, "form[data-inline]", HTMLFormElement);
  if (!form) return;
  event.preventDefault();
  const place = placeOf(form);
  try {
    const reply = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])),
    });
    if (!reply.ok) throw new Error(`The server answered ${reply.status}.`);
    form.reset();
    draw(new DOMParser().parseFromString(await reply.text(), "text/html"));
    if (!form.contains(document.activeElement)) focus(place);
  } catch {
    form.submit(); // the plain way shows what went wrong
  }
});

/** @param {Document} fresh */
function draw(fresh) {
  for (const id of PARTS) {
    const [old, wanted] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && wanted) morph(old, wanted);
  }
}

/**
 * Which of the buttons of its part a form has.
 * @param {HTMLFormElement} form
 */
function placeOf(form) {
  const part = form.closest(PARTS.map((id) => `#${id}`).join(", "));
  const button = find(form, "button", HTMLButtonElement);
  return { id: part?.id, number: part ? buttons(part).indexOf(button) : -1 };
}

/** @param {{id: string | undefined, number: number}} place */
function focus({ id, number }) {
  const part = id === undefined ? null : document.getElementById(id);
  if (!part) return;
  const there = buttons(part);
  const next = there[Math.min(number, there.length - 1)] ?? findOptional(part, "summary, a[href], button");
  next?.focus();
}

/**
 * @param {Element} part
 * @returns {HTMLButtonElement[]}
 */
function buttons(part) {
  return findAll(part, "form[data-inline] button", HTMLButtonElement);
}
