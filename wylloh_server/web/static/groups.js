// A stack's groups on a film's page: split off, change, merge. The page redraws itself afterwards.

import { errorText, post, showStatus } from "./api.js";
import { byId, closest, enable, find } from "./dom.js";

const status = byId("groups-status");

document.addEventListener("submit", (event) => {
  const form = closest(event.target, "[data-group-path]", HTMLFormElement);
  if (!form?.dataset.groupPath) return;
  event.preventDefault();
  send(form.dataset.groupPath, Object.fromEntries(new FormData(form)), find(form, "button", HTMLButtonElement), () => {
    form.reset();
    const details = form.closest("details");
    if (details) close(details);
  });
});

document.addEventListener("click", ({ target }) => {
  const button = closest(target, "button[data-group-path]", HTMLButtonElement);
  if (button?.dataset.groupPath) send(button.dataset.groupPath, {}, button, () => {});
});

/**
 * @param {string} path
 * @param {object} body
 * @param {HTMLButtonElement} button
 * @param {() => void} done
 */
async function send(path, body, button, done) {
  button.disabled = true;
  try {
    await post(path, body);
    showStatus(status, "");
    done();
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
  enable(button);
}

/**
 * Fold it up and keep the focus there: a field that has the focus would keep the page from redrawing itself.
 * @param {HTMLDetailsElement} details
 */
function close(details) {
  details.open = false;
  find(details, "summary").focus({ preventScroll: true });
}
