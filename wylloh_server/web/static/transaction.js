// The page of a transaction: asks the wallet for the next step and tells the server what it did.

import { ApiError, post, showStatus } from "./api.js";
import { byId, closest, enable, find, findOptional } from "./dom.js";
import {
  checkChain,
  findWallet,
  send,
  sign,
  useAccount,
  useChain,
  walletErrorText,
  watchAccounts,
} from "./wallet-requests.js";

const AGAIN_MS = 2000;
const DRAWN_MS = 60_000;

const page = byId("page");
const status = byId("status");
const list = byId("wallets");
const { transaction: id, wallet: account = "", shortWallet = "" } = page.dataset;
/** @type {import("./wallet-requests.js").Chain} */
const chain = JSON.parse(page.dataset.chain ?? "{}");
const address = `/api/transactions/${id}`;
const kept = `wylloh-sent-${id}`;

let busy = false;

document.addEventListener("click", ({ target }) => {
  const button = closest(target, "#confirm");
  if (button) confirm(button.dataset.terms ?? "");
});
document.addEventListener("live:drawn", drawn);

/**
 * Have the wallet do what this page showed when the button was pressed.
 * @param {string} terms
 */
async function confirm(terms) {
  if (busy) return;
  setBusy(true);
  try {
    showStatus(status, "Looking for your wallet.");
    const { provider } = await findWallet(account, choose);
    watchAccounts(provider, account, (right) => busy || showStatus(status, right ? "That is the right account." : ""));
    await useAccount(provider, account, shortWallet);
    await useChain(provider, chain, (text) => showStatus(status, text));
    let sent = null;
    while (sent === null) sent = await step(provider, terms);
    await redrawn(sent);
  } catch (error) {
    showStatus(status, walletErrorText(error), true);
  } finally {
    setBusy(false);
  }
}

/**
 * Have the wallet do the next step. Return the number of one that was sent; null after a signature, which alone is not
 * worth a second press. The server, told of a call, may have found it on the chain before and be a step on.
 * @param {import("./wallet.js").Provider} provider
 * @param {string} terms
 * @returns {Promise<number | null>}
 */
async function step(provider, terms) {
  const claim = newClaim();
  const asked = await post(`${address}/ask`, { claim, terms });
  showStatus(
    status,
    asked.sign ? "Sign in your wallet. That alone costs nothing." : "Your wallet asks you to confirm. Look at it.",
  );
  let answer;
  try {
    await checkChain(provider, chain);
    answer = asked.sign ? await sign(provider, account, asked.sign) : await send(provider, asked.call);
  } catch (error) {
    await post(`${address}/give-back`, { claim }).catch(() => {});
    throw error;
  }
  if (!asked.sign) {
    await report(answer);
    return asked.step;
  }
  await post(`${address}/signed`, { signature: answer });
  return null;
}

/**
 * Tell the server the hash, also if it is away for a while or this page is reloaded.
 * @param {string} hash
 * @returns {Promise<void>}
 */
async function report(hash) {
  remember(hash);
  for (;;) {
    try {
      await post(`${address}/sent`, { hash });
      remember(null);
      showStatus(status, "");
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status > 0 && error.status < 500)) {
        remember(null);
        throw error;
      }
      showStatus(
        status,
        "Your wallet has sent it. The server cannot be reached; it is told as soon as it is back.",
        true,
      );
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }
}

/** @param {string | null} hash */
function remember(hash) {
  try {
    if (hash) localStorage.setItem(kept, hash);
    else localStorage.removeItem(kept);
  } catch {
    // The server finds it on the chain, only later.
  }
}

function remembered() {
  try {
    return localStorage.getItem(kept);
  } catch {
    return null;
  }
}

/**
 * Show one button for each wallet; resolves with the one that is pressed.
 * @param {import("./wallet.js").Wallet[]} wallets
 * @returns {Promise<import("./wallet.js").Wallet>}
 */
function choose(wallets) {
  showStatus(status, "There is more than one wallet here. Choose yours.");
  list.hidden = false;
  return new Promise((chosen) => {
    list.replaceChildren(
      ...wallets.map((wallet) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "button" });
        if (wallet.icon) button.append(Object.assign(new Image(), { src: wallet.icon, alt: "" }));
        button.append(wallet.name);
        button.addEventListener("click", () => {
          list.hidden = true;
          chosen(wallet);
        });
        return button;
      }),
    );
    find(list, "button").focus();
  });
}

/**
 * Wait until the page shows that a step was sent: until then the button would ask for the same once more.
 * @param {number} sent the step
 * @returns {Promise<void>}
 */
function redrawn(sent) {
  return new Promise((resume) => {
    const given = new AbortController();
    const look = () => {
      const { state, step: next } = byId("transaction").dataset;
      if (state === "prepared" && Number(next) <= sent) return;
      given.abort();
      resume();
    };
    document.addEventListener("live:drawn", look, { signal: given.signal });
    setTimeout(resume, DRAWN_MS);
    look();
  });
}

function newClaim() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {boolean} on */
function setBusy(on) {
  busy = on;
  drawn();
}

/** The page may have been redrawn meanwhile, with its button as it comes: disabled until this script can answer it. */
function drawn() {
  const button = findOptional(document, "#confirm", HTMLButtonElement);
  if (button?.disabled && !busy) enable(button);
  else if (button) button.disabled = busy;
  else if (!busy && !status.hasAttribute("data-problem")) showStatus(status, "");
}

drawn();
const left = remembered();
if (left) report(left).catch((error) => showStatus(status, walletErrorText(error), true));
