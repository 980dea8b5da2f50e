import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { tellPreparing } from "../../../wylloh_server/web/static/player/preparing.js";

const HIDDEN = "visually-hidden";

test("a picture that takes long says how long", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const classes = new Set([HIDDEN]);
  const classList = { add: (name) => classes.add(name), remove: (name) => classes.delete(name) };
  const player = { dataset: { state: "loading" } };
  const line = { textContent: "Loading", classList };
  let seconds = null;
  const second = async () => {
    mock.timers.tick(1000);
    await new Promise(setImmediate);
  };

  tellPreparing(player, line, async () => seconds);
  await second();
  assert.equal(line.textContent, "Loading");
  assert.ok(classes.has(HIDDEN));

  seconds = 12;
  await second();
  assert.equal(line.textContent, "Preparing, about 12 s");
  assert.ok(!classes.has(HIDDEN));

  player.dataset.state = "playing";
  await second();
  assert.equal(line.textContent, "Loading");
  assert.ok(classes.has(HIDDEN));
  mock.timers.reset();
});
