// The page's side of the test wallet: an EIP-1193 provider, announced as EIP-6963 has it.
(() => {
  const listeners = {};
  const provider = {
    async request({ method, params }) {
      const answer = await window.__walletAsked(method, params ?? null);
      if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
      return answer.result ?? null;
    },
    on(event, listener) {
      listeners[event] ??= new Set();
      listeners[event].add(listener);
      return provider;
    },
    removeListener(event, listener) {
      listeners[event]?.delete(listener);
      return provider;
    },
  };
  window.__walletTells = (event, value) => {
    for (const listener of listeners[event] ?? []) listener(value);
  };
  const name = "__NAME__";
  const info = Object.freeze({ uuid: `test-${name}`, name, icon: "", rdns: "test.wallet" });
  const announce = () => {
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  };
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
