// Leaving the player for the film's page, which shall already know how far the film was watched.

const PATIENCE_MS = 300;

/**
 * Return the function that leaves; the player's own links (`links`) use it too. `tell` reports the position.
 * @param {{video: HTMLVideoElement, tell: () => Promise<void>, address: string, links: Iterable<HTMLElement>}} options
 * @returns {() => Promise<void>}
 */
export function createExit({ video, tell, address, links }) {
  let left = false;
  const leave = async () => {
    if (left) return;
    left = true;
    video.pause();
    await Promise.race([tell(), new Promise((resume) => setTimeout(resume, PATIENCE_MS))]);
    // One step back, so that Back on the film's page does not lead into the player again.
    if (cameFrom(address)) window.history.back();
    else window.location.replace(address);
  };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (inNewTab(event)) return;
      event.preventDefault();
      leave();
    });
  }
  window.addEventListener("pageshow", () => (left = false));
  return leave;
}

/** @param {string} address */
function cameFrom(address) {
  return window.history.length > 1 && document.referrer === new URL(address, window.location.href).href;
}

/** @param {MouseEvent} event */
function inNewTab({ altKey, ctrlKey, metaKey, shiftKey }) {
  return altKey || ctrlKey || metaKey || shiftKey;
}
