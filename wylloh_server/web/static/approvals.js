// The owner answers what publishers ask.

import { post, say, sentence } from "./api.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  const line = event.target.closest("[data-request]");
  if (!button || !line) return;
  const note = line.querySelector("[name=note]");
  const approve = button.dataset.act === "approve";
  if (!approve && !note.value.trim()) {
    note.focus();
    say(document.getElementById("said"), "Write why, so that the asker can act on it.", true);
    return;
  }
  for (const other of line.querySelectorAll("button")) other.disabled = true;
  try {
    await post(`/api/approvals/${line.dataset.request}`, { approve, note: note.value });
    window.location.reload();
  } catch (error) {
    for (const other of line.querySelectorAll("button")) other.disabled = false;
    say(document.getElementById("said"), sentence(error), true);
  }
});
