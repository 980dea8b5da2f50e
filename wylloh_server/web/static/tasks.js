// The page of background tasks: cancel one, begin a fetch again, clear away what has ended.

import { errorText, post, showStatus } from "./api.js";
import { byId, closest, enable, findOptional } from "./dom.js";

const status = byId("status");

byId("tasks").addEventListener("click", async (event) => {
  const target = closest(event.target, "button", HTMLButtonElement);
  const path = target && address(target);
  if (!path) return;
  target.disabled = true;
  try {
    await post(path);
    showStatus(status, "");
    // The list redraws itself; the focus stays near where it was.
    findOptional(document, "#tasks button:not([disabled]), #tasks a")?.focus({ preventScroll: true });
  } catch (error) {
    enable(target);
    showStatus(status, errorText(error), true);
  }
});

/** @param {HTMLElement} button */
function address({ id, dataset }) {
  if (id === "clear") return "/api/tasks/clear";
  if (dataset.cancel) return `/api/tasks/${dataset.cancel}/cancel`;
  return dataset.again ? `/api/tasks/${dataset.again}/again` : "";
}
