// Reads a chart out of its table: what is drawn and what is written are the same numbers.

import { find } from "/static/dom.js";

/**
 * What a chart is drawn from: the rows' names, what stands below them, and one series for each column that is drawn.
 * @typedef {"main" | "second" | "before"} Part
 * @typedef {{part: Part, label: string, unit: string, values: (number | null)[], texts: string[]}} Series
 * @typedef {{shape: string, labels: string[], ticks: string[], series: Series[]}} Chart
 */

/**
 * → `{shape, labels, ticks, series}`: the rows' names, what stands below them, and one series for each column that is
 * drawn: `{part, label, unit, values, texts}`.
 * @param {HTMLElement} section
 * @returns {Chart}
 */
export function chartIn(section) {
  const table = find(section, "table", HTMLTableElement);
  if (section.id === "geography") nameTerritories(table);
  const rows = [...table.tBodies[0].rows];
  const names = rows.map((row) => row.cells[0]);
  const series = [...(table.tHead?.rows[0].cells ?? [])]
    .map((head, column) => ({ head, column }))
    .filter(({ head }) => head.dataset.part)
    .map(({ head, column }) => seriesIn(rows, head, column));
  return {
    shape: section.dataset.shape ?? "",
    labels: names.map((name) => name.textContent ?? ""),
    ticks: names.map((name) => name.dataset.tick ?? ""),
    series,
  };
}

/**
 * Write the names of territories, which the browser knows, beside their codes.
 * @param {HTMLTableElement} table
 */
function nameTerritories(table) {
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: "region", fallback: "code" });
  for (const { cells } of table.tBodies[0].rows) {
    const { key = "" } = cells[0].dataset;
    const name = /^[A-Z]{2}$/.test(key) ? (names.of(key) ?? key) : key;
    if (name !== key) cells[0].textContent = `${name} (${key})`;
    cells[0].dataset.tick = name;
  }
}

/**
 * @param {HTMLTableRowElement[]} rows
 * @param {HTMLTableCellElement} head
 * @param {number} column
 * @returns {Series}
 */
function seriesIn(rows, head, column) {
  const cells = rows.map((row) => row.cells[column]);
  return {
    part: /** @type {Part} */ (head.dataset.part),
    label: head.firstChild?.textContent?.trim() ?? "",
    unit: head.dataset.unit ?? "",
    values: cells.map(({ dataset }) => (dataset.value === "" ? null : Number(dataset.value))),
    texts: cells.map((cell) => cell.textContent ?? ""),
  };
}

/**
 * One row of the chart in words: `21 Oct 2026: Revenue 431.20 dUSD, Revenue before 265.00 dUSD`.
 * @param {Chart} chart
 * @param {number} index
 * @returns {string}
 */
export function spoken({ labels, series }, index) {
  const parts = series.map(({ label, unit, texts }) => `${label} ${texts[index]}${unit ? ` ${unit}` : ""}`);
  return `${labels[index]}: ${parts.join(", ")}`;
}
