// The sign-in page: one button for each wallet of this browser.

import { showStatus } from "./api.js";
import { byId, findAll, findOptional } from "./dom.js";
import { discoverWallets, signInErrorText, signInWith } from "./wallet.js";

const page = byId("sign-in");
const list = byId("wallets");
const claim = findOptional(document, "#claim", HTMLInputElement);
const status = byId("status");

/** @param {import("./wallet.js").Wallet} wallet */
function offer(wallet) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = list.childElementCount ? "button" : "button button-primary";
  if (wallet.icon) button.append(Object.assign(new Image(), { src: wallet.icon, alt: "" }));
  button.append(wallet.name);
  button.addEventListener("click", () => signIn(wallet));
  list.append(button);
  byId("no-wallet").hidden = true;
}

/** @param {import("./wallet.js").Wallet} wallet */
async function signIn(wallet) {
  if (claim && !claim.value.trim()) {
    claim.focus();
    showStatus(status, "Type the code shown in the terminal first.", true);
    return;
  }
  busy(true);
  try {
    const progress = (/** @type {string} */ text) => showStatus(status, text);
    await signInWith(wallet.provider, { claimCode: claim?.value ?? "", next: page.dataset.next, progress });
  } catch (error) {
    showStatus(status, signInErrorText(error), true);
    busy(false);
  }
}

/** @param {boolean} on */
function busy(on) {
  for (const button of findAll(list, "button", HTMLButtonElement)) button.disabled = on;
}

const wallets = await discoverWallets({ late: offer });
wallets.forEach(offer);
byId("no-wallet").hidden = wallets.length > 0;
