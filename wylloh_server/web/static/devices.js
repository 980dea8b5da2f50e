// The devices page: take a device back, or sign this one out.

import { post, say, sentence } from "./api.js";
import { onTv } from "./remote.js";
import { forgetTv } from "./tv-again.js";
import { pressedTwice } from "./twice.js";

const said = document.getElementById("said");

document.getElementById("devices").addEventListener("click", async (event) => {
  const { target } = event;
  const device = target.dataset.device;
  if (!device || !pressedTwice(event, target, "revoke")) return;
  target.disabled = true;
  try {
    await post(`/api/devices/${device}/revoke`);
    target.closest("li").remove();
    say(said, "Revoked. That device has to be let in again.");
    said.focus();
  } catch (error) {
    target.disabled = false;
    say(said, sentence(error), true);
  }
});

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await post("/api/sign-out");
    forgetTv();
    window.location.assign(onTv() ? "/tv" : "/");
  } catch (error) {
    say(said, sentence(error), true);
  }
});
