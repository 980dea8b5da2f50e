// The phone's side of pairing: see which TV asks, and approve it. Who came by a link, with the code in it, has to
// choose the number that the TV shows: the link may have been sent by somebody who is not here.

import { errorText, post, showStatus } from "./api.js";
import { byId, fieldOf, findAll } from "./dom.js";

const MINUTE = 60;
const search = byId("find", HTMLFormElement);
const form = byId("pair", HTMLFormElement);
const approve = byId("approve", HTMLButtonElement);
const status = byId("status");
const byLink = "link" in search.dataset;

/** @returns {Promise<void>} */
async function look() {
  showStatus(status, "");
  try {
    show(await post("/api/tv/look", { code: fieldOf(search, "code").value }));
  } catch (error) {
    search.hidden = false;
    showStatus(status, errorText(error), true);
  }
}

/** @param {{device: string, address: string, here: boolean, waiting: number, numbers: string[]}} offer */
function show({ device, address, here, waiting, numbers }) {
  const place = here ? "in the same network as this device" : "in another network than this device";
  const since = waiting < MINUTE ? "less than a minute" : `${Math.round(waiting / MINUTE)} min`;
  byId("device").textContent = device;
  byId("place").textContent = `asks from ${address || "an unknown address"}, ${place}. It has waited for ${since}.`;
  search.hidden = true;
  form.hidden = false;
  byId("look").hidden = !byLink;
  approve.hidden = byLink;
  byId("numbers").replaceChildren(...(byLink ? numbers.map(choice) : []));
}

/** @param {string} number */
function choice(number) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = number;
  button.addEventListener("click", () => letIn({ number }));
  return button;
}

/** @param {{number?: string}} chosen */
async function letIn(chosen) {
  const buttons = findAll(form, "button", HTMLButtonElement);
  for (const button of buttons) button.disabled = true;
  const [code, name] = [fieldOf(search, "code").value, fieldOf(form, "name").value];
  try {
    await post("/api/tv/approve", { code, name, ...chosen });
    form.hidden = true;
    showStatus(status, "Done. Look at the TV: your films are there now.");
  } catch (error) {
    for (const button of buttons) button.disabled = false;
    showStatus(status, errorText(error), true);
  }
}

search.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byLink) letIn({});
});
if (byLink) look();
