// What weighs much needs a signature of the wallet that is a few minutes old at most.

import { ApiError, post } from "./api.js";
import { discoverWallets, signInErrorText, signText } from "./wallet.js";

/**
 * Post like `post`; where the server wants a fresh signature, ask the wallet for one and post again.
 * Throws ApiError, also when there is no such wallet in this browser or it did not sign.
 * @param {string} path
 * @param {object} body
 * @param {(text: string) => void} progress
 * @returns {Promise<any>}
 */
export async function postSigned(path, body, progress) {
  try {
    return await post(path, body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.answer.code !== "signature-needed") throw error;
  }
  progress("Sign the text in your wallet: it shows that this is you. It moves no token and costs nothing.");
  await confirmIdentity();
  return post(path, body);
}

async function confirmIdentity() {
  const { wallet, message } = await post("/api/confirmation");
  const provider = await providerOf(wallet);
  let signature;
  try {
    signature = await signText(provider, message, wallet);
  } catch (error) {
    throw new ApiError(403, { error: signInErrorText(error) });
  }
  await post("/api/confirmation/answer", { signature });
}

/**
 * Return the wallet of this browser that has an account.
 * @param {string} account
 * @returns {Promise<import("./wallet.js").Provider>}
 */
async function providerOf(account) {
  for (const { provider } of await discoverWallets()) {
    const accounts = await provider.request({ method: "eth_requestAccounts" }).catch(() => []);
    if (accounts.some((/** @type {string} */ one) => one.toLowerCase() === account.toLowerCase())) return provider;
  }
  const fix =
    "You are signed in here with it: choose that account in your wallet and press the button again, or sign in again" +
    " in the browser whose wallet has it.";
  throw new ApiError(403, { error: `No wallet in this browser has the account ${account}.`, fix });
}
