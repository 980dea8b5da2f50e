// What redraws itself on the admin page, and what every admin may do there: end what plays, have folders scanned.

import { errorText, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, enable } from "./dom.js";

byId("now-playing").addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-lease]", HTMLButtonElement);
  if (!target || !isConfirmed(event, target, "end")) return;
  const answer = byId("playing-status");
  target.disabled = true;
  try {
    await post("/api/admin/playing/end", { lease: target.dataset.lease });
    target.closest("li")?.remove();
    showStatus(answer, "Ended. The player says so within seconds; who watched may press Play again.");
  } catch (error) {
    enable(target);
    showStatus(answer, errorText(error), true);
  }
});

byId("film-folders").addEventListener("click", async (event) => {
  const target = closest(event.target, "#scan", HTMLButtonElement);
  if (!target) return;
  target.disabled = true; // the section is redrawn when the scan ends
  try {
    await post("/api/admin/folders/scan");
    showStatus(byId("scan-status"), "");
  } catch (error) {
    enable(target);
    showStatus(byId("scan-status"), errorText(error), true);
  }
});
