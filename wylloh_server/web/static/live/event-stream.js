// One connection to the server's live updates, kept open. Used by a page, or by the worker that several tabs share.

const SILENCE_MS = 50_000; // the server says something at least every 20 s
const AGAIN_MS = 15_000;

/**
 * What changed on the server. `mark` is where the next connection goes on; with `everything` anything may have changed.
 * @typedef {{sentence: string, link?: string, task?: string}} Notice
 * @typedef {{mark: string, topics: string[], notices: Notice[], everything: boolean, open?: string}} Update
 */

/**
 * Listen from the mark `since` on; `onUpdate` gets every update.
 * Returns `close()`; no update comes after it.
 * @param {string} since
 * @param {(update: Update) => void} onUpdate
 * @returns {{close: () => void}}
 */
export function listen(since, onUpdate) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let mark = since;

  function open() {
    const opened = new EventSource(`/api/live?since=${encodeURIComponent(mark)}`);
    source = opened;
    opened.addEventListener("open", alive);
    opened.addEventListener("beat", alive);
    opened.addEventListener("message", ({ data, lastEventId }) => {
      alive();
      mark = lastEventId;
      onUpdate({ ...JSON.parse(data), mark });
    });
    // A browser reconnects by itself while the server is away; it gives up only when it was refused.
    opened.addEventListener("error", () => opened.readyState === EventSource.CLOSED && reopen(AGAIN_MS));
    alive();
  }

  /** A laptop that slept may hold a connection on which nothing will ever come. */
  function alive() {
    clearTimeout(timer);
    timer = setTimeout(() => reopen(0), SILENCE_MS);
  }

  /** @param {number} wait */
  function reopen(wait) {
    source?.close();
    clearTimeout(timer);
    timer = setTimeout(open, wait);
  }

  open();
  return {
    close() {
      clearTimeout(timer);
      source?.close();
    },
  };
}

/**
 * Return whether an update with this mark came after `since`; null if they are of different runs of the server.
 * @param {string} mark
 * @param {string} since
 * @returns {boolean | null}
 */
export function isAfter(mark, since) {
  const [run, number] = mark.split("-");
  const [otherRun, other] = since.split("-");
  return run === otherRun ? Number(number) > Number(other) : null;
}
