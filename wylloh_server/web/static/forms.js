// Keeps what was typed into a form until it was taken: a form that is refused comes back as it was sent.
//
// When a form is sent, its values are remembered for this tab. The page that says why it was refused (#refused-form)
// marks them as refused; the next page with that form fills them in again. Any other page forgets them. Passwords,
// files and hidden fields are not remembered.

import { fillInSent } from "./utc-fields.js";

const KEY = "wylloh-form";
const LEFT_OUT = new Set(["password", "file", "hidden", "submit", "button", "image", "reset"]);

/** @typedef {{ page: string, place: number, action: string, values: [string, string][], refused: boolean }} SentForm */

const page = window.location.pathname + window.location.search;

/** @returns {SentForm | null} */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @param {SentForm | null} sent */
function remember(sent) {
  try {
    if (sent) sessionStorage.setItem(KEY, JSON.stringify(sent));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage nothing is filled in again; the browser's own Back does it in most cases.
  }
}

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/**
 * Return the fields of a form that people fill in.
 * @param {HTMLFormElement} form
 * @returns {Field[]}
 */
function fieldsOf(form) {
  const found = [...form.elements].filter(
    (field) =>
      (field instanceof HTMLInputElement && !LEFT_OUT.has(field.type)) ||
      field instanceof HTMLTextAreaElement ||
      field instanceof HTMLSelectElement,
  );
  return /** @type {Field[]} */ (found);
}

/**
 * Fill a form in as it was sent.
 * @param {HTMLFormElement} form
 * @param {[string, string][]} values
 */
function fillIn(form, values) {
  const left = new Map();
  for (const [name, value] of values) left.set(name, [...(left.get(name) ?? []), value]);
  for (const field of fieldsOf(form)) {
    const sent = left.get(field.name) ?? [];
    if (field instanceof HTMLInputElement && (field.type === "checkbox" || field.type === "radio"))
      field.checked = sent.includes(field.value);
    else if (field instanceof HTMLSelectElement)
      for (const option of field.options) option.selected = sent.includes(option.value);
    else if (field instanceof HTMLInputElement && sent.length) fillInSent(field, sent.shift());
    else if (sent.length) field.value = sent.shift();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

document.addEventListener("submit", ({ target, submitter }) => {
  if (!(target instanceof HTMLFormElement) || target.method !== "post") return;
  const names = new Set(fieldsOf(target).map((field) => field.name));
  const values = /** @type {[string, string][]} */ (
    [...new FormData(target, submitter)].filter(([name, value]) => names.has(name) && typeof value === "string")
  );
  const place = [...document.forms].indexOf(target);
  remember({ page, place, action: target.action, values, refused: false });
});

const sent = remembered();
if (sent && document.getElementById("refused-form")) remember({ ...sent, refused: true });
else if (sent) {
  remember(null);
  const same = [...document.forms].filter((form) => form.method === "post" && form.action === sent.action);
  const form = same.find((one) => one === document.forms[sent.place]) ?? same[0];
  if (sent.refused && sent.page === page && form) fillIn(form, sent.values);
}
