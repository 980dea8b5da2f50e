// The admin page: the owner lets a wallet in, or changes what it may do.

import { post, say, sentence } from "./api.js";

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
