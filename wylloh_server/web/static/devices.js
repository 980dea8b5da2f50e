// The devices page: take a device back, sign this one out, or say what one is called here.

import { errorText, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, enable, fieldOf, findOptional } from "./dom.js";
import { onTv } from "./remote-control.js";
import { forgetTv } from "./tv-reconnect.js";

const status = byId("status");

byId("devices").addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-device]", HTMLButtonElement);
  if (!target || !isConfirmed(event, target, "revoke")) return;
  target.disabled = true;
  try {
    await post(`/api/devices/${target.dataset.device}/revoke`);
    target.closest("li")?.remove();
    showStatus(status, "Revoked. That device, and any TV that it let in, has to be let in again.");
    status.focus();
  } catch (error) {
    enable(target);
    showStatus(status, errorText(error), true);
  }
});

const ownName = findOptional(document, "#own-name", HTMLFormElement);
ownName?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = byId("name-status");
  try {
    const { name } = await post("/api/account/name", { name: fieldOf(ownName, "name").value });
    showStatus(answer, name ? `You are ${name} here.` : "Your name is gone; your address stands for you.");
    document.dispatchEvent(new Event("live:refresh")); // the bar names the account
  } catch (error) {
    showStatus(answer, errorText(error), true);
  }
});

document.getElementById("sign-out-everywhere")?.addEventListener("click", async (event) => {
  const target = closest(event.target, "button", HTMLButtonElement);
  if (!target || !isConfirmed(event, target, "sign out every device")) return;
  try {
    await post("/api/devices/sign-out");
    window.location.assign("/");
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
});

byId("sign-out").addEventListener("click", async (event) => {
  const target = closest(event.target, "button", HTMLButtonElement);
  // A browser is let in again by a wallet; a TV has to be paired again, by somebody with a phone.
  if (onTv() && (!target || !isConfirmed(event, target, "sign out"))) return;
  try {
    await post("/api/sign-out");
    forgetTv();
    window.location.assign(onTv() ? "/tv" : "/");
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
});
