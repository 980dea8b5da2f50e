// Fields for a date and a time with `data-utc` take the viewer's own time. Their form sends UTC, with a Z at the end.
// Without scripts they take UTC, as their label says.

import { find, findAll } from "./dom.js";
import { fromField, isUtc, ownZone, toField } from "./moments.js";

/** @param {HTMLInputElement} field */
function takeOwnTime(field) {
  const label = find(document, `label[for="${field.id}"] [data-zone]`);
  const note = find(document, `#${field.id}-utc`);
  const tell = () => {
    const sent = fromField(field.value);
    note.textContent = sent && !isUtc ? `This is ${sent.slice(0, -1).replace("T", ", ")} UTC.` : "";
  };
  field.value = toField(field.defaultValue);
  label.textContent = `(${ownZone.replaceAll("_", " ")})`;
  field.addEventListener("input", tell);
  field.form?.addEventListener("formdata", ({ formData }) => formData.set(field.name, fromField(field.value)));
  tell();
}

/**
 * Fill in what was sent.
 * @param {HTMLInputElement} field
 * @param {string} sent
 */
export function fillInSent(field, sent) {
  field.value = "utc" in field.dataset ? toField(sent) : sent;
}

findAll(document, "input[data-utc]", HTMLInputElement).forEach(takeOwnTime);
