// How hls.js loads segments that are made on demand.

const LONGEST_MS = 120_000;

/**
 * A loader for segments that are made on demand.
 *
 * Waiting for the first byte says nothing about the line: the server is making the segment. hls.js would take it for
 * a slow line, drop the segment after a second and go on with the lowest quality, which has to be made, too. So until
 * the first byte is there, loading has only just begun.
 *
 * It lets go of an init segment as soon as another rendition is wanted, and without a word:
 * hls.js 1.7 loads the init segment beside the first media segment. When the quality changes meanwhile, it goes on
 * waiting for the old one; and when it drops that at last, it takes this for the end of what it loads now and starts
 * again every 100 ms. Where segments are made on demand, init segments are slow enough for both.
 * @param {typeof import("hls.js").default.DefaultConfig.loader} Loader
 * @returns {any}
 */
export function patientLoader(Loader) {
  /** @type {Record<string, {level: number, loader: {abort: () => void}}>} */
  const inits = {};
  return class extends Loader {
    /**
     * @param {any} context
     * @param {import("hls.js").LoaderConfiguration} config
     * @param {import("hls.js").LoaderCallbacks<any>} callbacks
     */
    load(context, config, callbacks) {
      const { sn, type, level } = context.frag ?? {};
      if (inits[type] && inits[type].level !== level) inits[type].loader.abort();
      if (sn === "initSegment") inits[type] = { level, loader: this };
      super.load(context, config, sn === "initSegment" ? { ...callbacks, onAbort: undefined } : callbacks);
      const { stats } = /** @type {any} */ (this);
      const since = performance.now();
      const waiting = setInterval(() => {
        const over = stats.aborted || stats.loading.first || stats.loading.end;
        if (over || performance.now() - since > LONGEST_MS) clearInterval(waiting);
        else stats.loading.start = performance.now();
      }, 100);
    }
  };
}
