// Finds the wallets of this browser (EIP-6963, else EIP-1193) and signs in with one of them (EIP-4361).

import { ApiError, post } from "./api.js";

const PATIENCE_MS = 250;
const REJECTED = 4001;

/**
 * A wallet's EIP-1193 provider, and the wallet as EIP-6963 announces it.
 * @typedef {EthereumProvider} Provider
 * @typedef {{name: string, icon: string, provider: Provider}} Wallet
 */

/**
 * Ask the wallets of this browser to show themselves.
 *
 * Resolves after a short wait. A wallet that answers later is passed to `late`.
 * @param {{late?: (wallet: Wallet) => void}} options
 * @returns {Promise<Wallet[]>}
 */
export async function discoverWallets({ late = () => {} } = {}) {
  const found = new Map();
  let waiting = true;
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (!detail?.provider || found.has(detail.info.uuid)) return;
    const wallet = { name: detail.info.name, icon: pictureOnly(detail.info.icon), provider: detail.provider };
    found.set(detail.info.uuid, wallet);
    if (!waiting) late(wallet);
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  await new Promise((resume) => setTimeout(resume, PATIENCE_MS));
  waiting = false;
  if (found.size === 0 && window.ethereum) return [{ name: "Browser wallet", icon: "", provider: window.ethereum }];
  return [...found.values()];
}

/**
 * Sign in: the server composes a text, the wallet signs it, the server checks it. The first time, and
 * whenever that runs out, it also signs that this server may keep its films' keys. Then the page goes on to `next`.
 *
 * Throws ApiError, or what the wallet threw (EIP-1193: `code` 4001 when the person said no).
 * @param {Provider} provider
 * @param {{claimCode?: string, next?: string, progress?: (text: string) => void}} options
 */
export async function signInWith(provider, { claimCode = "", next = "/", progress = () => {} } = {}) {
  progress("Choose an account in your wallet.");
  const [wallet] = await provider.request({ method: "eth_requestAccounts" });
  const { message } = await post("/api/sign-in/challenge", { wallet });
  progress("Sign the text in your wallet. It moves no token and costs nothing.");
  const signature = await signText(provider, message, wallet);
  const answer = await post("/api/sign-in/answer", { signature, claim_code: claimCode });
  if (answer.binding) await bind(provider, wallet, answer.binding.message, progress);
  progress("You are signed in.");
  window.location.assign(next);
}

/**
 * Let this server keep the keys of the wallet's films. A refusal does not end the session.
 * @param {Provider} provider
 * @param {string} wallet
 * @param {string} message
 * @param {(text: string) => void} progress
 */
async function bind(provider, wallet, message, progress) {
  progress("One more signature: it lets this server keep the keys of your films for 90 days.");
  try {
    await post("/api/binding", { signature: await signText(provider, message, wallet) });
  } catch (error) {
    if (!(error instanceof Object && "code" in error && error.code === REJECTED)) throw error;
  }
}

/**
 * Have a wallet sign a text. Throws what the wallet threw.
 * @param {Provider} provider
 * @param {string} text
 * @param {string} wallet
 * @returns {Promise<string>}
 */
export function signText(provider, text, wallet) {
  return provider.request({ method: "personal_sign", params: [hex(text), wallet] });
}

/** @param {string} text */
function hex(text) {
  return `0x${[...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {unknown} icon */
function pictureOnly(icon) {
  return typeof icon === "string" && icon.startsWith("data:image/") ? icon : "";
}

/**
 * Return one sentence about why signing in failed.
 * @param {any} error
 * @returns {string}
 */
export function signInErrorText(error) {
  if (error instanceof ApiError) return [error.message, error.fix].filter(Boolean).join(" ");
  if (error?.code === REJECTED) return "Your wallet did not sign. Nothing happened; choose it again when you like.";
  return `Your wallet answered: ${error?.message ?? "nothing"}.`;
}
