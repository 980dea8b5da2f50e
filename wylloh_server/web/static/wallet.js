// Finds the wallets of this browser (EIP-6963, else EIP-1193) and signs in with one of them (EIP-4361).

import { Refused, post } from "./api.js";

const PATIENCE_MS = 250;
const REJECTED = 4001;

/**
 * Ask the wallets of this browser to show themselves.
 *
 * Gives `[{name, icon, provider}]` after a moment's wait. A wallet that answers later is handed to `late`.
 */
export async function announceWallets({ late = () => {} } = {}) {
  const found = new Map();
  let waiting = true;
  window.addEventListener("eip6963:announceProvider", ({ detail }) => {
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
 * Sign in: the server composes a text, the wallet signs it, the server checks it. The first time it also
 * signs that this server may keep its films' keys. Then the page goes on to `next`.
 *
 * Throws Refused, or what the wallet threw (EIP-1193: `code` 4001 when the person said no).
 */
export async function signInWith(provider, { claimCode = "", next = "/", progress = () => {} } = {}) {
  progress("Choose an account in your wallet.");
  const [wallet] = await provider.request({ method: "eth_requestAccounts" });
  const { message } = await post("/api/sign-in/challenge", { wallet });
  progress("Sign the text in your wallet. It moves no token and costs nothing.");
  const signature = await signed(provider, message, wallet);
  const answer = await post("/api/sign-in/answer", { signature, claim_code: claimCode });
  if (answer.binding) await bind(provider, wallet, answer.binding, progress);
  progress("You are signed in.");
  window.location.assign(next);
}

/** Let this server keep the keys of the wallet's films. Who says no is signed in all the same. */
async function bind(provider, wallet, { text, signed_at }, progress) {
  progress("One more signature, once: it lets this server keep the keys of your films.");
  try {
    await post("/api/binding", { signature: await signed(provider, text, wallet), signed_at });
  } catch (error) {
    if (error.code !== REJECTED) throw error;
  }
}

function signed(provider, text, wallet) {
  return provider.request({ method: "personal_sign", params: [hex(text), wallet] });
}

function hex(text) {
  return "0x" + [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pictureOnly(icon) {
  return typeof icon === "string" && icon.startsWith("data:image/") ? icon : "";
}

/** Say in one sentence why signing in failed. */
export function whyNot(error) {
  if (error instanceof Refused) return [error.message, error.fix].filter(Boolean).join(" ");
  if (error?.code === REJECTED) return "Your wallet did not sign. Nothing happened; choose it again when you like.";
  return `Your wallet answered: ${error?.message ?? "nothing"}.`;
}
