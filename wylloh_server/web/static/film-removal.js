// The page of a film whose file is away: the owner removes the film for good.

import { errorText, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, enable } from "./dom.js";
import { postSigned } from "./fresh-signature.js";

const button = byId("remove", HTMLButtonElement);

button.addEventListener("click", async (event) => {
  if (!isConfirmed(event, button, "remove")) return;
  const answer = byId("remove-status");
  button.disabled = true;
  try {
    await postSigned(`/api/films/${button.dataset.film}/remove`, {}, (text) => showStatus(answer, text));
    window.location.assign("/");
  } catch (error) {
    enable(button);
    showStatus(answer, errorText(error), true);
  }
});
