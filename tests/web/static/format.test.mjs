import assert from "node:assert/strict";
import test from "node:test";
import { chapterAt, formatTime } from "/static/player/format.js";

test("a time has hours from an hour on", () => {
  assert.equal(formatTime(0), "0:00");
  assert.equal(formatTime(227.4), "3:47");
  assert.equal(formatTime(47.6), "0:48", "to the nearest second, as pages write lengths");
  assert.equal(formatTime(3599), "59:59");
  assert.equal(formatTime(3849), "1:04:09");
});

test("what is no time yet is the beginning", () => {
  for (const seconds of [Number.NaN, Number.POSITIVE_INFINITY, -1]) assert.equal(formatTime(seconds), "0:00");
});

test("a moment is in the last chapter that has begun", () => {
  const chapters = [
    { start: 10, title: "The hill" },
    { start: 60, title: "The sea" },
  ];
  assert.equal(chapterAt(chapters, 5), undefined);
  assert.equal(chapterAt(chapters, 59.9)?.title, "The hill");
  assert.equal(chapterAt(chapters, 60)?.title, "The sea");
  assert.equal(chapterAt([], 60), undefined);
});
