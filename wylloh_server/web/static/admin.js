// The admin page: the owner starts a plugin again or switches it off, lets a wallet in, changes what it may do,
// or takes it out again.

import { post, say, sentence } from "./api.js";
import { pressedTwice } from "./twice.js";

const form = document.getElementById("admit");
const said = document.getElementById("said");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { wallet, role } = form.elements;
  try {
    await post("/api/admin/accounts", { wallet: wallet.value.trim(), role: role.value });
    window.location.reload();
  } catch (error) {
    say(said, sentence(error), true);
  }
});

document.getElementById("plugins-list")?.addEventListener("click", async (event) => {
  const { target } = event;
  const { start, off } = target.dataset;
  if (!start && !off) return;
  const answer = document.getElementById("plugins-said");
  target.disabled = true;
  say(answer, start ? `Starting ${start} …` : `Switching ${off} off …`);
  try {
    await post(`/api/admin/plugins/${start ? "start" : "off"}`, { plugin: start ?? off });
    window.location.reload();
  } catch (error) {
    target.disabled = false;
    say(answer, sentence(error), true);
  }
});

document.getElementById("accounts-list").addEventListener("click", async (event) => {
  const { target } = event;
  const { wallet } = target.dataset;
  if (!wallet || !pressedTwice(event, target, "remove")) return;
  target.disabled = true;
  try {
    await post("/api/admin/accounts/remove", { wallet });
    target.closest("li").remove();
    say(said, "Removed. Its devices are signed out.");
  } catch (error) {
    target.disabled = false;
    say(said, sentence(error), true);
  }
});
