// Who looks after the server has a film made ready for every player before anybody presses Play.

import { errorText, post, showStatus } from "./api.js";
import { closest, enable } from "./dom.js";

// The row of buttons is drawn anew when something changes.
document.addEventListener("click", async (event) => {
  const button = closest(event.target, "#make-ready", HTMLButtonElement);
  const status = document.getElementById("make-ready-status");
  if (!button || !status) return;
  button.disabled = true;
  try {
    await post(`/api/films/${button.dataset.film}/ready`);
    showStatus(status, "It is being made ready. Tasks shows how far it is.");
  } catch (error) {
    enable(button);
    showStatus(status, errorText(error), true);
  }
});
