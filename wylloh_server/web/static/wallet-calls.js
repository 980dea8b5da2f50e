// Has one of this browser's wallets do something (EIP-1193): on the right account, on the right chain.

import { Refused } from "./api.js";
import { announceWallets } from "./wallet.js";

const REJECTED = 4001;
const BUSY = -32002;
const UNKNOWN_CHAIN = 4902;

/** The wallet cannot be used as it is; the message says what to do in it. */
export class Unusable extends Error {}

/**
 * Give the wallet that knows the account, else the only one there is, else the one chosen from `offer`, which gets
 * all of them and gives a promise of one.
 */
export async function walletOf(account, offer) {
  const wallets = await announceWallets();
  for (const wallet of wallets) {
    if ((await accountsOf(wallet.provider)).includes(account)) return wallet;
  }
  if (wallets.length === 0) {
    throw new Unusable("There is no wallet in this browser. Open this page in your wallet’s own browser, or install one.");
  }
  return wallets.length === 1 ? wallets[0] : offer(wallets);
}

async function accountsOf(provider) {
  try {
    return lowered(await provider.request({ method: "eth_accounts" }));
  } catch {
    return [];
  }
}

function lowered(accounts) {
  return accounts.map((account) => account.toLowerCase());
}

/** Make sure that the wallet lets this page use the account. */
export async function useAccount(provider, account, short) {
  if ((await accountsOf(provider)).includes(account)) return;
  const accounts = lowered(await provider.request({ method: "eth_requestAccounts" }));
  if (!accounts.includes(account)) {
    throw new Unusable(`This is for the account ${short}. Choose that account in your wallet, then try again.`);
  }
}

const watched = new WeakSet();

/** Tell `changed` from now on, once for each wallet, when its owner chooses an account, and whether it is the one. */
export function watchAccounts(provider, account, changed) {
  if (watched.has(provider) || !provider.on) return;
  watched.add(provider);
  provider.on("accountsChanged", (accounts) => changed(lowered(accounts).includes(account)));
}

/** Make sure that the wallet is on the chain; `chain` is as EIP-3085 describes one. */
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

async function isOn(provider, chain) {
  return Number(await provider.request({ method: "eth_chainId" })) === Number(chain.chainId);
}

async function addChain(provider, chain) {
  if (chain.rpcUrls.length === 0) {
    throw new Unusable(`Your wallet does not know ${chain.chainName} (number ${Number(chain.chainId)}). Add it there, then try again.`);
  }
  try {
    await provider.request({ method: "wallet_addEthereumChain", params: [chain] });
    if (await isOn(provider, chain)) return;
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: chain.chainId }] });
  } catch (error) {
    throw stayed(error, chain);
  }
}

function stayed(error, chain) {
  const why = codeOf(error) === REJECTED || codeOf(error) === undefined ? "" : ` It says: ${error.message}.`;
  return new Unusable(`Your wallet stayed on another chain.${why} Switch it to ${chain.chainName}, then try again.`);
}

function codeOf(error) {
  return error?.data?.originalError?.code ?? error?.code;
}

/** Have the wallet send a call; gives the transaction's hash. */
export function send(provider, call) {
  return provider.request({ method: "eth_sendTransaction", params: [call] });
}

/** Have the wallet sign typed data (EIP-712); gives the signature. */
export function sign(provider, account, data) {
  return provider.request({ method: "eth_signTypedData_v4", params: [account, JSON.stringify(data)] });
}

/** Say in one sentence why a wallet did not do it. */
export function whyNotDone(error) {
  if (error instanceof Refused) return [error.message, error.fix].filter(Boolean).join(" ");
  if (error instanceof Unusable) return error.message;
  if (codeOf(error) === REJECTED) return "You refused in your wallet. Nothing was sent.";
  if (codeOf(error) === BUSY) return "Your wallet shows a question already. Answer it there, then try again.";
  return `Your wallet answered: ${String(error?.message ?? "nothing").slice(0, 300)}. Nothing was sent.`;
}
