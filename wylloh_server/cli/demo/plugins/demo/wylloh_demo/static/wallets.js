// The demo's two wallets as EIP-1193 providers: they sign what they are asked to, through the demo chain.

import { signInWith, whyNot } from "/static/wallet.js";

function provider(address) {
  return {
    async request({ method, params }) {
      if (method === "eth_requestAccounts" || method === "eth_accounts") return [address];
      if (method !== "personal_sign") throw Object.assign(new Error(`${method} is not for the demo`), { code: 4200 });
      const reply = await fetch("/plugins/demo/sign", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ address, message: params[0] }),
      });
      const answer = await reply.json();
      if (!reply.ok) throw new Error(answer.error);
      return answer.signature;
    },
  };
}

function announce(name, address) {
  const info = { uuid: `demo-${address}`, name, icon: "", rdns: "org.wylloh.demo" };
  const detail = Object.freeze({ info, provider: provider(address) });
  window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
}

const wallets = [...document.querySelectorAll("[data-demo-wallet]")].map((element) => ({
  element, label: element.textContent.trim(), address: element.dataset.demoWallet,
}));

// On the sign-in page they stand among the browser's own wallets, as EIP-6963 has it.
window.addEventListener("eip6963:requestProvider", () => {
  for (const { label, address } of wallets) announce(label, address);
});

for (const { element: button, label, address } of wallets) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const progress = (text) => { button.textContent = text; };
      await signInWith(provider(address), { progress });
    } catch (error) {
      button.textContent = whyNot(error);
      setTimeout(() => { button.textContent = label; button.disabled = false; }, 6000);
    }
  });
}
