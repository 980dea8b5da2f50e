// Starts a film on a TV that is on: the button "Send to TV" of a film's page.

import { errorText, post, showStatus } from "./api.js";
import { byId, closest, enable } from "./dom.js";

document.addEventListener("click", async (event) => {
  const button = closest(event.target, "[data-send-to]", HTMLButtonElement);
  if (!button) return;
  const status = byId("send-status");
  button.disabled = true;
  showStatus(status, "Sending it to the TV.");
  try {
    const { name } = await post(`/api/tv/${button.dataset.sendTo}/send`, { film: button.dataset.film });
    showStatus(status, `It plays on ${name}.`);
    document.getElementById("send-to")?.removeAttribute("open");
  } catch (error) {
    showStatus(status, errorText(error), true);
  } finally {
    enable(button);
  }
});
