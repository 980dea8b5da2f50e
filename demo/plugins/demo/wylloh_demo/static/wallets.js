// The demo's two wallets as EIP-1193 providers: they sign what they are asked to, through the demo chain.

import { findAll } from "/static/dom.js";
import { signInErrorText, signInWith } from "/static/wallet.js";
import { agreed } from "./dialog.js";
import { questionOf } from "./typed-data.js";

const CHAIN = "0x7a69"; // anvil's own number, 31337: no wallet of the demo knows another chain

/**
 * @param {string} name
 * @param {string} address
 * @returns {import("/static/wallet.js").Provider}
 */
function provider(name, address) {
  /** @type {Record<string, (params: any[]) => unknown>} */
  const methods = {
    eth_chainId: () => CHAIN,
    eth_accounts: () => [address],
    eth_requestAccounts: () => [address],
    wallet_switchEthereumChain([{ chainId }]) {
      if (Number(chainId) !== Number(CHAIN)) throw refusal(4902, "The demo's wallets know the demo's chain alone");
      return null;
    },
    personal_sign: async ([message]) => (await asked("sign", { address, message })).signature,
    async eth_signTypedData_v4([, data]) {
      await agreed(name, address, ...questionOf(JSON.parse(data)));
      return (await asked("sign-data", { address, data })).signature;
    },
    async eth_sendTransaction([call]) {
      await agreed(name, address, "Send this?", `It calls the contract ${short(call.to)} on the demo’s chain.`);
      return (await asked("send", call)).hash;
    },
  };
  return {
    async request({ method, params = [] }) {
      if (!Object.hasOwn(methods, method)) throw refusal(4200, `${method} is not for the demo`);
      return methods[method](params);
    },
  };
}

/**
 * @param {number} code
 * @param {string} message
 */
function refusal(code, message) {
  return Object.assign(new Error(message), { code });
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
async function asked(path, body) {
  const reply = await fetch(`/plugins/demo/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}

/** @param {string} address */
function short(address) {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

/**
 * @param {string} name
 * @param {string} address
 */
function announce(name, address) {
  const info = { uuid: `demo-${address}`, name, icon: "", rdns: "org.wylloh.demo" };
  const detail = Object.freeze({ info, provider: provider(name, address) });
  window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
}

const wallets = findAll(document, "[data-demo-wallet]").map((element) => ({
  element,
  label: element.textContent?.trim() ?? "",
  address: element.dataset.demoWallet ?? "",
}));

// On the sign-in page they stand among the browser's own wallets, as EIP-6963 has it.
window.addEventListener("eip6963:requestProvider", () => {
  for (const { label, address } of wallets) announce(label, address);
});

for (const { element: button, label, address } of wallets) {
  if (!(button instanceof HTMLButtonElement)) continue; // on the sign-in page
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const progress = (/** @type {string} */ text) => {
        button.textContent = text;
      };
      await signInWith(provider(label, address), { progress });
    } catch (error) {
      button.textContent = signInErrorText(error);
      setTimeout(() => {
        button.textContent = label;
        button.disabled = false;
      }, 6000);
    }
  });
}
