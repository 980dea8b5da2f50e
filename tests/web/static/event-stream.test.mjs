import assert from "node:assert/strict";
import test from "node:test";
import { isAfter } from "/static/live/event-stream.js";

test("marks of one run are in order by their number, not by their text", () => {
  assert.equal(isAfter("a-10", "a-9"), true);
  assert.equal(isAfter("a-9", "a-10"), false);
  assert.equal(isAfter("a-9", "a-9"), false);
});

test("marks of two runs of the server cannot be compared", () => {
  assert.equal(isAfter("b-1", "a-9"), null);
});
