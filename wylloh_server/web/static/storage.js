// The page of what films take on the disk: remove what was prepared, or this server's copy; fetch one again.

import { errorText, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, enable } from "./dom.js";
import { postSigned } from "./fresh-signature.js";

const status = byId("status");
const PATHS = { prepared: "prepared/remove", package: "package/remove", fetch: "package/fetch" };

byId("storage").addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-part]", HTMLButtonElement);
  if (!target) return;
  const { film, verb } = target.dataset;
  if (verb && !isConfirmed(event, target, verb)) return;
  const part = /** @type {keyof typeof PATHS} */ (target.dataset.part);
  target.disabled = true;
  try {
    const { freed } = await postSigned(`/api/films/${film}/${PATHS[part]}`, {}, (text) => showStatus(status, text));
    showStatus(
      status,
      freed === undefined ? "It is fetched as soon as somebody offers it." : `${freed} are free again.`,
    );
    document.dispatchEvent(new Event("live:refresh"));
  } catch (error) {
    enable(target);
    showStatus(status, errorText(error), true);
  }
});
