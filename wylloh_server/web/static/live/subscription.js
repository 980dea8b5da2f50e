// How a page gets live updates: through the worker all tabs share, or else by itself while it is in sight.

import { listen } from "./event-stream.js";

/** @typedef {(update: import("./event-stream.js").Update) => void} Listener */

/**
 * Call `onUpdate` with every update after the mark `since`. `who` tells one session from another.
 * @param {{since: string, who: string, onUpdate: Listener}} options
 */
export function subscribe({ since, who, onUpdate }) {
  if ("SharedWorker" in window) {
    try {
      together(since, who, onUpdate);
      return;
    } catch {
      // A browser may have workers and still not allow this one.
    }
  }
  alone(since, onUpdate);
}

/**
 * @param {string} since
 * @param {string} who
 * @param {Listener} onUpdate
 */
function together(since, who, onUpdate) {
  const worker = new SharedWorker(new URL("./shared-worker.js", import.meta.url), {
    type: "module",
    name: `wylloh ${who}`,
  });
  let mark = since;
  worker.port.addEventListener("message", ({ data }) => {
    mark = data.mark;
    onUpdate(data);
  });
  worker.port.start();
  worker.port.postMessage({ since });
  window.addEventListener("pagehide", () => worker.port.postMessage({ leaving: true }));
  window.addEventListener("pageshow", ({ persisted }) => persisted && worker.port.postMessage({ since: mark }));
  worker.addEventListener("error", () => alone(mark, onUpdate), { once: true });
}

/**
 * @param {string} since
 * @param {Listener} onUpdate
 */
function alone(since, onUpdate) {
  let mark = since;
  /** @type {{close: () => void} | null} */
  let stream = null;
  const look = () => {
    stream?.close();
    stream = document.hidden
      ? null
      : listen(mark, (news) => {
          mark = news.mark;
          onUpdate(news);
        });
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", () => stream?.close());
  look();
}
