// The TV's side of pairing: show a code, wait for a phone, go to the library.

import { get, post, sentence } from "./api.js";

const POLL_MS = 2000;
const AGAIN_MS = 10_000;
const state = document.getElementById("state");

async function begin() {
  try {
    const offer = await post("/api/tv/code");
    show(offer);
    await wait(Date.now() + offer.expires_in * 1000);
  } catch (error) {
    state.textContent = sentence(error);
    setTimeout(begin, AGAIN_MS);
  }
}

function show({ code, pair_url, qr }) {
  document.getElementById("code").textContent = `${code.slice(0, 3)} ${code.slice(3)}`;
  document.getElementById("address").textContent = pair_url.replace(/^https?:\/\//, "").replace(/\?.*$/, "");
  const picture = new DOMParser().parseFromString(qr, "text/html").querySelector("svg");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "QR code of the address to open on your phone");
  document.getElementById("qr").replaceChildren(document.importNode(picture, true));
}

async function wait(expires) {
  const clock = setInterval(() => tell(expires), 1000);
  tell(expires);
  try {
    for (;;) {
      await new Promise((resume) => setTimeout(resume, POLL_MS));
      const answer = await stateNow();
      if (answer === "approved") return window.location.replace("/");
      if (answer === "expired") return begin();
    }
  } finally {
    clearInterval(clock);
  }
}

/** A server that is away for a moment does not end the waiting. */
async function stateNow() {
  try {
    return (await get("/api/tv/state")).state;
  } catch (error) {
    if (error.status !== 0) throw error;
    return "waiting";
  }
}

function tell(expires) {
  const left = Math.max(0, Math.round((expires - Date.now()) / 1000));
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  state.textContent = `Waiting for approval · new code in ${clock}`;
}

begin();
