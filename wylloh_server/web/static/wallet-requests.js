// Has one of this browser's wallets do something (EIP-1193): on the right account, on the right chain.

import { ApiError } from "./api.js";
import { discoverWallets } from "./wallet.js";

const REJECTED = 4001;
const BUSY = -32002;
const UNKNOWN_CHAIN = 4902;

/**
 * @typedef {import("./wallet.js").Provider} Provider
 * @typedef {import("./wallet.js").Wallet} Wallet
 * @typedef {{chainId: string, chainName: string, rpcUrls: string[]}} Chain as EIP-3085 describes one
 */

/** The wallet cannot be used as it is; the message says what to do in it. */
class Unusable extends Error {}

/**
 * Return the wallet that knows the account, else the only one there is, else the one chosen from `offer`, which gets
 * all of them and returns a promise of one.
 * @param {string} account
 * @param {(wallets: Wallet[]) => Promise<Wallet>} offer
 * @returns {Promise<Wallet>}
 */
export async function findWallet(account, offer) {
  const wallets = await discoverWallets();
  for (const wallet of wallets) {
    if ((await accountsOf(wallet.provider)).includes(account)) return wallet;
  }
  if (wallets.length === 0) {
    throw new Unusable(
      "There is no wallet in this browser. Open this page in your wallet’s own browser, or install one.",
    );
  }
  return wallets.length === 1 ? wallets[0] : offer(wallets);
}

/**
 * @param {Provider} provider
 * @returns {Promise<string[]>}
 */
async function accountsOf(provider) {
  try {
    return lowered(await provider.request({ method: "eth_accounts" }));
  } catch {
    return [];
  }
}

/** @param {string[]} accounts */
function lowered(accounts) {
  return accounts.map((account) => account.toLowerCase());
}

/**
 * Make sure that the wallet lets this page use the account.
 * @param {Provider} provider
 * @param {string} account
 * @param {string} short
 */
export async function useAccount(provider, account, short) {
  if ((await accountsOf(provider)).includes(account)) return;
  const accounts = lowered(await provider.request({ method: "eth_requestAccounts" }));
  if (!accounts.includes(account)) {
    throw new Unusable(`This is for the account ${short}. Choose that account in your wallet, then try again.`);
  }
}

const watched = new WeakSet();

/**
 * Call `changed`, once for each wallet, when its owner chooses another account: whether it is the right one.
 * @param {Provider} provider
 * @param {string} account
 * @param {(right: boolean) => void} changed
 */
export function watchAccounts(provider, account, changed) {
  if (watched.has(provider) || !provider.on) return;
  watched.add(provider);
  provider.on("accountsChanged", (accounts) => changed(lowered(accounts).includes(account)));
}

/**
 * Make sure that the wallet is on the chain; `chain` is as EIP-3085 describes one.
 * @param {Provider} provider
 * @param {Chain} chain
 * @param {(text: string) => void} progress
 */
export async function useChain(provider, chain, progress) {
  if (await isOn(provider, chain)) return;
  progress(`Your wallet is on another chain. Let it switch to ${chain.chainName}.`);
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: chain.chainId }] });
  } catch (error) {
    if (codeOf(error) !== UNKNOWN_CHAIN) throw stayed(error, chain);
    await addChain(provider, chain);
  }
  if (!(await isOn(provider, chain))) throw stayed({}, chain);
}

/**
 * Throw unless the wallet is still on the chain: right before it is asked, because it may have been switched since.
 * @param {Provider} provider
 * @param {Chain} chain
 */
export async function checkChain(provider, chain) {
  if (!(await isOn(provider, chain))) {
    throw new Unusable(
      `Your wallet has been switched to another chain. Nothing was sent. Switch it to ${chain.chainName}, then try again.`,
    );
  }
}

/**
 * @param {Provider} provider
 * @param {Chain} chain
 */
async function isOn(provider, chain) {
  return Number(await provider.request({ method: "eth_chainId" })) === Number(chain.chainId);
}

/**
 * @param {Provider} provider
 * @param {Chain} chain
 */
async function addChain(provider, chain) {
  if (chain.rpcUrls.length === 0) {
    throw new Unusable(
      `Your wallet does not know ${chain.chainName} (number ${Number(chain.chainId)}). Add it there, then try again.`,
    );
  }
  try {
    await provider.request({ method: "wallet_addEthereumChain", params: [chain] });
    if (await isOn(provider, chain)) return;
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: chain.chainId }] });
  } catch (error) {
    throw stayed(error, chain);
  }
}

/**
 * @param {any} error
 * @param {Chain} chain
 */
function stayed(error, chain) {
  const why = codeOf(error) === REJECTED || codeOf(error) === undefined ? "" : ` It says: ${error.message}.`;
  return new Unusable(`Your wallet stayed on another chain.${why} Switch it to ${chain.chainName}, then try again.`);
}

/**
 * @param {any} error
 * @returns {number | undefined}
 */
function codeOf(error) {
  return error?.data?.originalError?.code ?? error?.code;
}

/**
 * Have the wallet send a call; return the transaction's hash.
 * @param {Provider} provider
 * @param {object} call
 * @returns {Promise<string>}
 */
export function send(provider, call) {
  return provider.request({ method: "eth_sendTransaction", params: [call] });
}

/**
 * Have the wallet sign typed data (EIP-712); return the signature.
 * @param {Provider} provider
 * @param {string} account
 * @param {object} data
 * @returns {Promise<string>}
 */
export function sign(provider, account, data) {
  return provider.request({ method: "eth_signTypedData_v4", params: [account, JSON.stringify(data)] });
}

/**
 * Return one sentence about why a wallet refused.
 * @param {any} error
 * @returns {string}
 */
export function walletErrorText(error) {
  if (error instanceof ApiError) return [error.message, error.fix].filter(Boolean).join(" ");
  if (error instanceof Unusable) return error.message;
  if (codeOf(error) === REJECTED) return "You refused in your wallet. Nothing was sent.";
  if (codeOf(error) === BUSY) return "Your wallet shows a question already. Answer it there, then try again.";
  return `Your wallet answered: ${String(error?.message ?? "nothing").slice(0, 300)}. Nothing was sent.`;
}
