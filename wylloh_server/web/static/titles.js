// The list of a publisher's titles, and asking to become a publisher.

import { errorText, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, fieldOf, find } from "./dom.js";

const status = byId("status");

document.addEventListener("submit", async (event) => {
  const form = closest(event.target, "#new, #apply", HTMLFormElement);
  if (!form) return;
  event.preventDefault();
  await attempt(find(form, "button", HTMLButtonElement), async () => {
    if (form.id === "apply") {
      await post("/api/publishers/apply", { message: fieldOf(form, "message").value });
      window.location.reload();
    } else {
      const { id } = await post("/api/titles", { title: fieldOf(form, "title").value });
      window.location.assign(`/titles/${id}`);
    }
  });
});

document.addEventListener("click", async (event) => {
  const button = closest(event.target, "[data-act][data-title]", HTMLButtonElement);
  if (!button) return;
  const { act, title } = button.dataset;
  if (act === "remove" && !isConfirmed(event, button, "delete")) return;
  await attempt(button, async () => {
    await post(`/api/titles/${title}/${act}`);
    window.location.reload();
  });
});

/**
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 */
async function attempt(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    button.disabled = false;
    showStatus(status, errorText(error), true);
  }
}
