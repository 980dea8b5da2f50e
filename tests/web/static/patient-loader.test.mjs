import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { patientLoader } from "../../../wylloh_server/web/static/player/patient-loader.js";

/** A loader of hls.js, as far as it matters: it notes when it began, and when the first byte came. */
class Loader {
  constructor() {
    this.stats = { aborted: false, loading: { start: 0, first: 0, end: 0 } };
    this.aborted = false;
  }

  load(_, __, callbacks) {
    this.stats.loading.start = performance.now();
    this.callbacks = callbacks;
  }

  abort() {
    this.aborted = true;
    this.callbacks.onAbort?.();
  }
}

const frag = (sn, level) => ({ frag: { sn, type: "main", level } });

test("waiting for a segment to be made is no slow line", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let now = 1000;
  mock.method(performance, "now", () => now);
  const loader = new (patientLoader(Loader))();
  loader.load(frag(7, 2), {}, {});
  now = 24_000;
  mock.timers.tick(100);
  assert.equal(loader.stats.loading.start, 24_000, "or hls.js would go down to the lowest quality");
  loader.stats.loading.first = 24_050;
  now = 30_000;
  mock.timers.tick(10_000);
  assert.equal(loader.stats.loading.start, 24_000, "a line that is slow once bytes come is slow");
  mock.timers.reset();
  mock.restoreAll();
});

test("an init segment is let go when another rendition is wanted", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const Patient = patientLoader(Loader);
  const [init, next] = [new Patient(), new Patient()];
  let told = 0;
  init.load(frag("initSegment", 2), {}, { onAbort: () => told++ });
  next.load(frag(7, 3), {}, {});
  assert.equal(init.aborted, true);
  assert.equal(told, 0);
  mock.timers.reset();
});
