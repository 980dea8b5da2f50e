import assert from "node:assert/strict";
import test from "node:test";
import { isAtTop } from "/static/player/subtitles.js";

test("a cue that its film puts at the top stays there", () => {
  assert.equal(isAtTop({ line: 5, snapToLines: false }), true);
  assert.equal(isAtTop({ line: 0, snapToLines: true }), true);
  for (const line of ["auto", -1, 90]) assert.equal(isAtTop({ line, snapToLines: false }), false);
});
