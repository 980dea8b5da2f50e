// The phone's side of pairing: approve the code a TV shows.

import { post, say, sentence } from "./api.js";

const form = document.getElementById("pair");
const said = document.getElementById("said");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await post("/api/tv/approve", { code: form.elements.code.value, name: form.elements.name.value });
    say(said, "Done. Look at the TV: your films are there now.");
  } catch (error) {
    say(said, sentence(error), true);
    button.disabled = false;
  }
});
