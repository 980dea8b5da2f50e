import assert from "node:assert/strict";
import test from "node:test";

process.env.TZ = "America/New_York";
const { fromField, isUtc, ownText, ownZone, toField } = await import("/static/moments.js");

test("a moment is written in the viewer's own zone and the page's language", () => {
  assert.equal(ownZone, "America/New_York");
  assert.equal(isUtc, false);
  assert.equal(ownText("2026-12-03T01:00:00Z", "minute"), "2 December 2026, 20:00");
  assert.equal(ownText("2026-12-03T01:00:07Z", "second"), "2 December 2026, 20:00:07");
  assert.equal(ownText("2026-12-03T01:00:00Z", "day"), "2 December 2026");
});

test("a field holds the viewer's own time, and its form sends UTC with a Z", () => {
  assert.equal(toField("2026-12-03T01:00"), "2026-12-02T20:00");
  assert.equal(toField("2026-12-03T01:00Z"), "2026-12-02T20:00");
  assert.equal(fromField("2026-12-02T20:00"), "2026-12-03T01:00Z");
  assert.equal(fromField("2026-07-02T20:00"), "2026-07-03T00:00Z");
});

test("what is no moment is an empty field", () => {
  for (const text of ["", "tomorrow", "2026-13-41T99:00"]) assert.equal(toField(text), "");
  assert.equal(fromField(""), "");
});
