// Tells why the picture waits: the server has to make it first, or cannot be reached.

const EVERY_MS = 1000;
const AWAY_MS = 3000;
const AWAY = "The server cannot be reached. It goes on by itself when it is back.";

/**
 * @param {HTMLElement} player whose data-state says whether it waits
 * @param {HTMLElement} line
 * @param {() => Promise<import("./lease.js").LeaseState>} ask
 */
export function showWaitReason(player, line, ask) {
  const loading = line.textContent ?? "";
  const show = (/** @type {string} */ reason) => {
    const text = reason || loading;
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("visually-hidden", !reason);
  };
  let asking = false;
  /** @type {number | null} since when no request was answered */
  let since = null;
  setInterval(async () => {
    const waits = () => player.dataset.state === "loading";
    if (!waits()) since = null;
    if (!waits()) return show("");
    if (asking) return;
    asking = true;
    since ??= performance.now();
    const { reachable, preparing } = await ask();
    asking = false;
    if (reachable) since = null;
    if (!waits()) return;
    if (since !== null) return performance.now() - since >= AWAY_MS && show(AWAY);
    show(preparing === null ? "" : `Preparing, about ${preparing} s`);
  }, EVERY_MS);
}
