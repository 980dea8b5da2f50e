// The owner answers what publishers ask.

import { errorText, showStatus } from "./api.js";
import { byId, closest, find, findAll } from "./dom.js";
import { postSigned } from "./fresh-signature.js";

document.addEventListener("click", async (event) => {
  const button = closest(event.target, "[data-act]", HTMLButtonElement);
  const line = closest(event.target, "[data-request]");
  if (!button || !line) return;
  const note = find(line, "[name=note]", HTMLInputElement);
  const approve = button.dataset.act === "approve";
  for (const other of findAll(line, "button", HTMLButtonElement)) other.disabled = true;
  try {
    const path = `/api/approvals/${line.dataset.request}`;
    await postSigned(path, { approve, note: note.value }, (text) => showStatus(byId("status"), text));
    window.location.reload();
  } catch (error) {
    for (const other of findAll(line, "button", HTMLButtonElement)) other.disabled = false;
    showStatus(byId("status"), errorText(error), true);
    if (!approve && !note.value.trim()) note.focus();
  }
});
