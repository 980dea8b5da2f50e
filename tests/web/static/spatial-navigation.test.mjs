import assert from "node:assert/strict";
import test from "node:test";
import { nearest } from "/static/spatial-navigation.js";

/** A rectangle of 100 × 50 at a column and a row of a grid with gaps of 10. */
function at(column, row, width = 100) {
  const [left, top] = [column * 110, row * 60];
  return { left, top, right: left + width, bottom: top + 50 };
}

const grid = [at(0, 0), at(1, 0), at(2, 0), at(0, 1), at(1, 1), at(2, 1)];
const go = (from, direction) => nearest(grid[from], grid.toSpliced(from, 1, at(-50, -50)), direction);

test("each arrow goes to the neighbour on its side", () => {
  assert.equal(go(1, "right"), 2);
  assert.equal(go(1, "left"), 0);
  assert.equal(go(1, "down"), 4);
  assert.equal(go(4, "up"), 1);
});

test("left and right stay in their row", () => {
  assert.equal(go(2, "right"), -1);
  assert.equal(nearest(at(1, 0), [at(0, 1), at(2, 1)], "right"), -1);
});

test("down goes to what lies straight ahead, even when something else is nearer by its middle", () => {
  const wide = at(0, 1, 320);
  assert.equal(nearest(at(2, 0), [at(0, 1), wide], "down"), 1);
});

test("where nothing lies below, down goes to the nearest row all the same", () => {
  assert.equal(nearest(at(3, 0), [at(0, 1), at(1, 1)], "down"), 1);
});
