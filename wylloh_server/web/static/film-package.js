// What owner and admins choose on a film's page: which version plays, and whether the film is fetched.

import { errorText, post, showStatus } from "./api.js";
import { byId, closest, enable } from "./dom.js";

document.addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-version], [data-fetch]", HTMLButtonElement);
  const film = target?.closest("[data-film]")?.getAttribute("data-film");
  if (!target || !film) return;
  const { version, fetch, package: root } = target.dataset;
  target.disabled = true;
  try {
    if (version) await post(`/api/films/${film}/version`, { version, package: root });
    else await post(`/api/films/${film}/fetch`, { agreed: fetch === "yes" });
    window.location.reload();
  } catch (error) {
    enable(target);
    showStatus(byId(version ? "version-status" : "fetch-status"), errorText(error), true);
  }
});
