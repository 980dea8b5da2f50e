// The page of a transaction: asks the wallet for the next step and tells the server what it did.

import { Refused, post, say } from "./api.js";
import { send, sign, useAccount, useChain, walletOf, watchAccounts, whyNotDone } from "./wallet-calls.js";

const AGAIN_MS = 2000;
const DRAWN_MS = 4000;

const page = document.getElementById("page");
const said = document.getElementById("said");
const list = document.getElementById("wallets");
const { transaction: id, wallet: account, shortWallet } = page.dataset;
const chain = JSON.parse(page.dataset.chain);
const address = `/api/transactions/${id}`;
const kept = `wylloh-sent-${id}`;

let busy = false;

document.addEventListener("click", ({ target }) => target.closest("#confirm") && confirm());
document.addEventListener("live:drawn", drawn);

async function confirm() {
  if (busy) return;
  setBusy(true);
  try {
    say(said, "Looking for your wallet.");
    const { provider } = await walletOf(account, choose);
    watchAccounts(provider, account, (right) => busy || say(said, right ? "That is the right account." : ""));
    await useAccount(provider, account, shortWallet);
    await useChain(provider, chain, (text) => say(said, text));
    while (await step(provider));
    await redrawn();
  } catch (error) {
    say(said, whyNotDone(error), true);
  } finally {
    setBusy(false);
  }
}

/** Have the wallet do the next step. Gives whether to go on at once: a signature alone is not worth a second press. */
async function step(provider) {
  const claim = newClaim();
  const asked = await post(`${address}/ask`, { claim });
  say(said, asked.sign ? "Sign in your wallet. That alone costs nothing." : "Your wallet asks you to confirm. Look at it.");
  let answer;
  try {
    answer = asked.sign ? await sign(provider, account, asked.sign) : await send(provider, asked.call);
  } catch (error) {
    await post(`${address}/give-back`, { claim }).catch(() => {});
    throw error;
  }
  if (asked.sign) await post(`${address}/signed`, { signature: answer });
  else await report(answer);
  return Boolean(asked.sign);
}

/** Tell the server the hash, also if it is away for a while or this page is loaded anew. */
async function report(hash) {
  remember(hash);
  for (;;) {
    try {
      await post(`${address}/sent`, { hash });
      remember(null);
      return say(said, "");
    } catch (error) {
      if (!(error instanceof Refused) || (error.status > 0 && error.status < 500)) {
        remember(null);
        throw error;
      }
      say(said, "Your wallet has sent it. The server cannot be reached; it is told as soon as it is back.", true);
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }
}

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

/** One button for each wallet; gives a promise of the one that is pressed. */
function choose(wallets) {
  say(said, "There is more than one wallet here. Choose yours.");
  list.hidden = false;
  return new Promise((chosen) => {
    list.replaceChildren(...wallets.map((wallet) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn" });
      if (wallet.icon) button.append(Object.assign(new Image(), { src: wallet.icon, alt: "" }));
      button.append(wallet.name);
      button.addEventListener("click", () => {
        list.hidden = true;
        chosen(wallet);
      });
      return button;
    }));
    list.firstElementChild.focus();
  });
}

/** Wait until the page shows what was sent: until then the button would ask for the same once more. */
function redrawn() {
  return new Promise((resume) => {
    document.addEventListener("live:drawn", resume, { once: true });
    setTimeout(resume, DRAWN_MS);
  });
}

function newClaim() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function setBusy(on) {
  busy = on;
  drawn();
}

/** The page may have been drawn anew meanwhile: what this script knows has to be said again. */
function drawn() {
  const button = document.getElementById("confirm");
  if (button) button.disabled = busy;
  else if (!busy && !said.hasAttribute("data-problem")) say(said, "");
}

const left = remembered();
if (left) report(left).catch((error) => say(said, whyNotDone(error), true));
