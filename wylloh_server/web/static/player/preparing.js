// Tells how long the picture will take where that is more than a moment: the server may have to make it first.

const EVERY_MS = 1000;

/**
 * @param {HTMLElement} player whose data-state says whether it waits
 * @param {HTMLElement} line
 * @param {() => Promise<number | null>} ask for the seconds; null when nothing is being prepared
 */
export function tellPreparing(player, line, ask) {
  const loading = line.textContent ?? "";
  let asking = false;
  setInterval(async () => {
    if (player.dataset.state !== "loading") {
      if (line.textContent !== loading) line.textContent = loading;
      line.classList.add("visually-hidden");
      return;
    }
    if (asking) return;
    asking = true;
    const seconds = await ask();
    asking = false;
    if (seconds === null || player.dataset.state !== "loading") return;
    line.textContent = `Preparing, about ${seconds} s`;
    line.classList.remove("visually-hidden");
  }, EVERY_MS);
}
