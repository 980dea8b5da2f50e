// One connection to the server's news, kept up. Used by a page, or by the worker that several tabs share.

const SILENCE_MS = 50_000; // the server says something at least every 20 s
const AGAIN_MS = 15_000;

/**
 * Listen from the mark `since` on. `told` gets `{mark, topics, notices, everything}` for every piece of news.
 * Gives `close()`; a stream that was closed says nothing more.
 */
export function listen(since, told) {
  let source = null;
  let timer = 0;
  let mark = since;

  function open() {
    source = new EventSource(`/api/live?since=${encodeURIComponent(mark)}`);
    source.addEventListener("open", alive);
    source.addEventListener("beat", alive);
    source.addEventListener("message", ({ data, lastEventId }) => {
      alive();
      mark = lastEventId;
      told({ ...JSON.parse(data), mark });
    });
    // A browser reconnects by itself while the server is away; it gives up only when it was refused.
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && reopen(AGAIN_MS));
    alive();
  }

  /** A laptop that slept may hold a connection on which nothing will ever come. */
  function alive() {
    clearTimeout(timer);
    timer = setTimeout(() => reopen(0), SILENCE_MS);
  }

  function reopen(wait) {
    source.close();
    clearTimeout(timer);
    timer = setTimeout(open, wait);
  }

  open();
  return {
    close() {
      clearTimeout(timer);
      source.close();
    },
  };
}

/** Say whether news with this mark came after `since`; null when that cannot be told. */
export function isAfter(mark, since) {
  const [run, number] = mark.split("-");
  const [otherRun, other] = since.split("-");
  return run === otherRun ? Number(number) > Number(other) : null;
}
