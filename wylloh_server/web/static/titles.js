// The list of a publisher's titles, and asking to become a publisher.

import { post, say, sentence } from "./api.js";
import { pressedTwice } from "./twice.js";

const said = document.getElementById("said");

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "new" && form.id !== "apply") return;
  event.preventDefault();
  await attempt(form.querySelector("button"), async () => {
    if (form.id === "apply") {
      await post("/api/publishers/apply", { says: form.elements.says.value });
      window.location.reload();
    } else {
      const { id } = await post("/api/titles", { title: form.elements.title.value });
      window.location.assign(`/titles/${id}`);
    }
  });
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act][data-title]");
  if (!button) return;
  const { act, title } = button.dataset;
  if (act === "remove" && !pressedTwice(event, button, "delete")) return;
  await attempt(button, async () => {
    await post(`/api/titles/${title}/${act}`);
    window.location.reload();
  });
});

async function attempt(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    button.disabled = false;
    say(said, sentence(error), true);
  }
}
