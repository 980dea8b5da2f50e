// What a form would do is said while it is filled in: a form with `data-outcome` names the element that says it. The
// page is asked again with what the form holds, and the element made anew. What the old outcome offers waits until then.

import { find, findAll } from "/static/dom.js";

const CALM_MS = 300;

/** @param {HTMLFormElement} form */
function follow(form) {
  const id = form.dataset.outcome ?? "";
  let timer = 0;
  let newest = 0;

  form.addEventListener("input", () => {
    newest += 1;
    const outcome = find(document, `#${id}`);
    outcome.setAttribute("aria-busy", "true");
    for (const button of findAll(outcome, "button", HTMLButtonElement)) button.disabled = true;
    clearTimeout(timer);
    timer = setTimeout(renew, CALM_MS, newest);
  });

  /** @param {number} mine */
  async function renew(mine) {
    const fresh = await asked(form).catch(() => null);
    const wanted = fresh?.getElementById(id);
    if (wanted && mine === newest) find(document, `#${id}`).replaceWith(document.importNode(wanted, true));
  }
}

/**
 * The page for what the form holds.
 * @param {HTMLFormElement} form
 */
async function asked(form) {
  const values = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  const reply = await fetch(`${window.location.pathname}?${new URLSearchParams(values)}`, {
    credentials: "same-origin",
    cache: "no-store",
  });
  return new DOMParser().parseFromString(await reply.text(), "text/html");
}

for (const form of findAll(document, "form[data-outcome]", HTMLFormElement)) follow(form);
