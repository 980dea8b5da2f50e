// The TV's side of pairing: show a code, wait for a phone, go to the library.

import { ApiError, errorText, get, post } from "./api.js";
import { byId, find } from "./dom.js";
import { formatTime } from "./player/format.js";

const POLL_MS = 2000;
const AGAIN_MS = 10_000;
const state = byId("state");

async function begin() {
  try {
    const offer = await post("/api/tv/code");
    show(offer);
    await wait(Date.now() + offer.expires_in * 1000);
  } catch (error) {
    state.textContent = errorText(error);
    setTimeout(begin, AGAIN_MS);
  }
}

/** @param {{code: string, number: string, pair_url: string, qr: string}} offer */
function show({ code, number, pair_url, qr }) {
  byId("code").textContent = `${code.slice(0, 3)} ${code.slice(3)}`;
  byId("number").textContent = number;
  byId("address").textContent = pair_url.replace(/^https?:\/\//, "").replace(/\?.*$/, "");
  const picture = find(new DOMParser().parseFromString(qr, "text/html"), "svg", SVGElement);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "QR code of the address to open on your phone");
  byId("qr").replaceChildren(document.importNode(picture, true));
}

/**
 * @param {number} expires
 * @returns {Promise<void>}
 */
async function wait(expires) {
  const ticking = setInterval(() => tell(expires), 1000);
  tell(expires);
  try {
    for (;;) {
      await new Promise((resume) => setTimeout(resume, POLL_MS));
      const answer = await stateNow();
      if (answer === "approved") {
        window.location.replace("/");
        return;
      }
      if (answer === "expired") {
        begin();
        return;
      }
    }
  } finally {
    clearInterval(ticking);
  }
}

/**
 * A server that is away for a moment does not end the waiting.
 * @returns {Promise<string>}
 */
async function stateNow() {
  try {
    return (await get("/api/tv/state")).state;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 0) throw error;
    return "waiting";
  }
}

/** @param {number} expires */
function tell(expires) {
  const left = Math.max(0, Math.round((expires - Date.now()) / 1000));
  state.textContent = `Waiting for approval · new code in ${formatTime(left)}`;
}

begin();
