// The sign-in page: one button for each wallet of this browser.

import { say } from "./api.js";
import { announceWallets, signInWith, whyNot } from "./wallet.js";

const page = document.getElementById("sign-in");
const list = document.getElementById("wallets");
const claim = document.getElementById("claim");
const said = document.getElementById("said");

function offer(wallet) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = list.childElementCount ? "btn" : "btn go";
  if (wallet.icon) button.append(Object.assign(new Image(), { src: wallet.icon, alt: "" }));
  button.append(wallet.name);
  button.addEventListener("click", () => signIn(wallet));
  list.append(button);
  document.getElementById("no-wallet").hidden = true;
}

async function signIn(wallet) {
  if (claim && !claim.value.trim()) {
    claim.focus();
    say(said, "Type the code shown in the terminal first.", true);
    return;
  }
  busy(true);
  try {
    const progress = (text) => say(said, text);
    await signInWith(wallet.provider, { claimCode: claim?.value ?? "", next: page.dataset.next, progress });
  } catch (error) {
    say(said, whyNot(error), true);
    busy(false);
  }
}

function busy(on) {
  for (const button of list.children) button.disabled = on;
}

const wallets = await announceWallets({ late: offer });
wallets.forEach(offer);
document.getElementById("no-wallet").hidden = wallets.length > 0;
