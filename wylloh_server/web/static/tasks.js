// The page of background tasks: cancel one, begin a fetch again, clear away what has ended.

import { post, say, sentence } from "./api.js";

const said = document.getElementById("said");

document.getElementById("tasks").addEventListener("click", async ({ target }) => {
  const path = address(target);
  if (!path) return;
  target.disabled = true;
  try {
    await post(path);
    say(said, "");
    // The list draws itself anew; whoever works with keys goes on where they were.
    document.querySelector("#tasks button:not([disabled]), #tasks a")?.focus({ preventScroll: true });
  } catch (error) {
    target.disabled = false;
    say(said, sentence(error), true);
  }
});

function address({ id, dataset }) {
  if (id === "clear") return "/api/tasks/clear";
  if (dataset.cancel) return `/api/tasks/${dataset.cancel}/cancel`;
  return dataset.again ? `/api/tasks/${dataset.again}/again` : "";
}
