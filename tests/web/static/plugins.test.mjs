import assert from "node:assert/strict";
import test from "node:test";
import { steps } from "../../../plugins/analytics/wylloh_analytics/static/plot.js";
import { spoken } from "../../../plugins/analytics/wylloh_analytics/static/table.js";

test("a chart's lines stand at round numbers", () => {
  assert.deepEqual(steps(10, false), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(steps(1, false), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(steps(1234, false), [0, 250, 500, 750, 1000, 1250]);
});

test("what is counted has no half lines", () => {
  for (const highest of [1, 2, 3, 7, 50, 1234]) assert.ok(steps(highest, true).every(Number.isInteger));
});

test("a row of a chart is spoken with its units", () => {
  const series = [
    { part: "main", label: "Revenue", unit: "dUSD", values: [1, 431.2], texts: ["1.00", "431.20"] },
    { part: "second", label: "Tokens", unit: "", values: [1, 3], texts: ["1", "3"] },
  ];
  const chart = { shape: "line", labels: ["20 Oct", "21 Oct"], ticks: ["", ""], series };
  assert.equal(spoken(chart, 1), "21 Oct: Revenue 431.20 dUSD, Tokens 3");
});
