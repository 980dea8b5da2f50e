// The list of servers that may keep the keys of a wallet's films: let this one, or take one back.

import { ApiError, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, enable } from "./dom.js";
import { signText } from "./wallet.js";
import { findWallet, useAccount, walletErrorText } from "./wallet-requests.js";

const status = byId("status");
const account = byId("key-servers").dataset.wallet ?? "";
const shortAccount = byId("key-servers").dataset.shortWallet ?? "";

/**
 * Have the wallet sign what the server composed.
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<string>}
 */
async function signature(path, body) {
  const { provider } = await findWallet(account, ([first]) => Promise.resolve(first));
  await useAccount(provider, account, shortAccount);
  const { message } = await post(path, body);
  showStatus(status, "Sign the text in your wallet. It moves no token and costs nothing.");
  return signText(provider, message, account);
}

/** @param {HTMLButtonElement} button */
async function revoke(button) {
  const key = button.dataset.deviceKey ?? "";
  // What this server can do alone it does at once, whatever the wallet answers then.
  if (!key || "here" in button.dataset) await post("/api/binding/remove");
  await post("/api/binding/revocation", {
    signature: await signature("/api/binding/revocation/request", { device_key: key }),
  });
  if (key) button.closest("li")?.remove();
  else byId("servers").replaceChildren();
  showStatus(status, "Revoked. The custodians are being told; Background tasks shows how far that is.");
}

async function bind() {
  await post("/api/binding", { signature: await signature("/api/binding/request") });
  window.location.reload();
}

/**
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 */
async function run(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    showStatus(status, error instanceof ApiError ? error.message : walletErrorText(error), true);
  } finally {
    enable(button);
    status.focus();
  }
}

byId("key-servers").addEventListener("click", (event) => {
  const button = closest(event.target, "button", HTMLButtonElement);
  if (!button) return;
  if (button.id === "bind") run(button, bind);
  else if (isConfirmed(event, button, "revoke")) run(button, () => revoke(button));
});
