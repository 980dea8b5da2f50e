// The devices page: take a device back, or sign this one out.

import { post, say, sentence } from "./api.js";

const said = document.getElementById("said");

document.getElementById("devices").addEventListener("click", async ({ target }) => {
  const device = target.dataset.device;
  if (!device) return;
  target.disabled = true;
  try {
    await post(`/api/devices/${device}/revoke`);
    target.closest("li").remove();
    say(said, "Revoked. That device has to be paired again.");
    said.focus();
  } catch (error) {
    target.disabled = false;
    say(said, sentence(error), true);
  }
});

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await post("/api/sign-out");
    window.location.assign("/");
  } catch (error) {
    say(said, sentence(error), true);
  }
});
