// Draws a chart with uPlot, in the theme's own colours and type.

/**
 * @import uPlot from "uplot"
 * @typedef {import("./table.js").Chart} Chart
 * @typedef {import("./table.js").Series} Series
 * @typedef {import("./table.js").Part} Part
 * @typedef {ReturnType<typeof lookOf>} Look
 */

const GRID_LINES = 6;
const TALLEST = 1.08; // air above the highest value

/**
 * Draw `chart` (of table.js) into `figure`; gives the plot and a function that moves the cursor to a row.
 * @param {HTMLElement} figure
 * @param {Chart} chart
 * @returns {{plot: uPlot, point: (index: number) => void}}
 */
export function draw(figure, chart) {
  const look = lookOf(figure);
  const order = [...chart.series].sort((one, other) => rank(one) - rank(other));
  const xs = chart.labels.map((_, index) => index);
  /** @type {uPlot.Options} */
  const options = {
    ...sizeOf(figure),
    padding: [12, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, fill: look.white, stroke: look.white } },
    scales: { x: { time: false, range: (_, low, high) => across(chart.shape, low, high) }, y: { range: upTo(chart) } },
    axes: [below(chart, look), atTheEdge(chart, look)],
    series: [{}, ...order.map((series, index) => drawn(series, index, order, chart.shape, look))],
  };
  const plot = new window.uPlot(options, [xs, ...order.map(({ values }) => values)], figure);
  return {
    plot,
    point(index) {
      const left = plot.valToPos(index, "x");
      plot.setCursor({ left, top: plot.bbox.height / window.devicePixelRatio / 2 });
    },
  };
}

/**
 * How large a plot in this figure is.
 * @param {HTMLElement} figure
 */
export function sizeOf(figure) {
  return { width: figure.clientWidth, height: figure.clientHeight };
}

/**
 * The white line is drawn last, over the others.
 * @param {Series} series
 */
function rank({ part }) {
  return { before: 0, second: 1, main: 2 }[part];
}

/**
 * @param {Series} series
 * @param {number} index
 * @param {Series[]} order
 * @param {string} shape
 * @param {Look} look
 * @returns {uPlot.Series}
 */
function drawn({ part, label, values }, index, order, shape, look) {
  const only = values.filter((value) => value !== null).length === 1;
  const common = { label, points: { show: only, size: 6, fill: look[part] }, stroke: look[part], spanGaps: false };
  if (shape === "bars") return { ...common, ...bar(part, index, order.length, look) };
  if (part === "before") return { ...common, width: 1.5, dash: [3, 4] };
  if (part === "second") return { ...common, width: 1.25 };
  return { ...common, width: 2, fill: look.veil };
}

/**
 * Bars of one row stand side by side: the white one first, the one of the period before outlined and dotted.
 * @param {Part} part
 * @param {number} index
 * @param {number} count
 * @param {Look} look
 */
function bar(part, index, count, look) {
  const place = count - 1 - index;
  const share = 0.72 / count;
  const disp = {
    x0: { unit: 1, values: (/** @type {uPlot} */ plot) => plot.data[0].map((x) => x - 0.36 + place * share) },
    size: { unit: 1, values: (/** @type {uPlot} */ plot) => plot.data[0].map(() => share * 0.86) },
  };
  const outlined = part === "before";
  return {
    paths: window.uPlot.paths.bars({ disp, radius: 0.04 }),
    fill: outlined ? "transparent" : look[part],
    width: outlined ? 1.25 : 0,
    dash: outlined ? [3, 3] : undefined,
    points: { show: false },
  };
}

/**
 * @param {string} shape
 * @param {number} low
 * @param {number} high
 * @returns {[number, number]}
 */
function across(shape, low, high) {
  if (shape === "bars") return [low - 0.5, high + 0.5];
  return low === high ? [low - 1, high + 1] : [low, high];
}

/**
 * @param {Chart} chart
 * @returns {() => [number, number]}
 */
function upTo({ series }) {
  const values = series.flatMap(({ values: some }) => some).filter((value) => value !== null);
  const highest = Math.max(0, ...values);
  return () => [0, highest === 0 ? 1 : highest * TALLEST];
}

/**
 * @param {Chart} chart
 * @param {Look} look
 * @returns {uPlot.Axis}
 */
function below({ ticks, shape }, look) {
  const wanted = ticks.flatMap((tick, index) => (tick ? [index] : []));
  return {
    side: 2,
    stroke: look.quiet,
    font: look.font,
    size: look.line * (shape === "bars" ? 3.2 : 2.2),
    gap: look.line * 0.5,
    grid: { show: false },
    ticks: { show: false },
    splits: (plot) => apart(plot, wanted, ticks, shape, look),
    values: (plot, splits) => splits.map((index) => broken(ticks[index], plot, ticks.length, shape, look)),
    align: shape === "bars" ? undefined : 1,
  };
}

/**
 * Leave out what would stand too close to its neighbour, or go beyond the edge.
 * @param {uPlot} plot
 * @param {number[]} wanted
 * @param {string[]} ticks
 * @param {string} shape
 * @param {Look} look
 */
function apart(plot, wanted, ticks, shape, look) {
  if (shape === "bars") return wanted;
  const { min = 0, max = 0 } = plot.scales.x;
  const room = (look.line * 3.4 * (max - min)) / Math.max(1, plot.width);
  const wide = plot.bbox.width / window.devicePixelRatio || plot.width;
  const end = (/** @type {number} */ index) =>
    ((index - min) / (max - min)) * wide + ticks[index].length * look.line * 0.56;
  /** @type {number[]} */
  const kept = [];
  for (const index of wanted.filter((one) => end(one) <= plot.width)) {
    if (kept.length > 0 && index - (kept.at(-1) ?? 0) < room) {
      if (kept.length > 1) continue;
      kept.pop(); // the first one is only where the chart happens to begin
    }
    kept.push(index);
  }
  return kept;
}

/**
 * Break the name of a bar where it is wider than its place.
 * @param {string} text
 * @param {uPlot} plot
 * @param {number} count
 * @param {string} shape
 * @param {Look} look
 */
function broken(text, plot, count, shape, look) {
  if (shape !== "bars") return text;
  const letters = Math.max(4, Math.floor(plot.width / count / (look.line * 0.52)));
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.length > letters + 1 ? `${word.slice(0, letters)}…` : word);
  }
  return lines.join("\n");
}

/**
 * @param {Chart} chart
 * @param {Look} look
 * @returns {uPlot.Axis}
 */
function atTheEdge({ series }, look) {
  const unit = series.find(({ part }) => part === "main")?.unit ?? "";
  return {
    side: 1,
    stroke: look.quiet,
    font: look.font,
    size: (_, values) => look.line * (0.62 * Math.max(2, ...(values ?? []).map((text) => text.length)) + 0.9),
    gap: look.line * 0.6,
    grid: { stroke: look.hair, width: 1 },
    ticks: { show: false },
    splits: (plot) => steps((plot.scales.y.max ?? 0) / TALLEST, unit === ""),
    values: (_, splits) => splits.map((value) => `${written(value)}${unit === "%" ? " %" : ""}`),
  };
}

/**
 * Where lines stand below `highest`: at round numbers, and where things are `counted`, at no half ones.
 * @param {number} highest
 * @param {boolean} counted
 * @returns {number[]}
 */
export function steps(highest, counted) {
  const rough = highest / (GRID_LINES - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const sizes = [1, 2, 2.5, 5, 10].map((factor) => factor * power);
  const fitting = counted ? sizes.filter(Number.isInteger) : sizes;
  const step = fitting.find((size) => size >= rough * 0.999) ?? 1;
  /** @type {number[]} */
  const found = [];
  for (let value = 0; value <= highest * TALLEST; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

/** @param {number} value */
function written(value) {
  return new Intl.NumberFormat("en", {
    notation: value >= 1e6 ? "compact" : "standard",
    maximumSignificantDigits: 4,
  }).format(value);
}

/** @param {HTMLElement} figure */
function lookOf(figure) {
  const style = getComputedStyle(figure);
  /** @param {string} name */
  const token = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const line = parseFloat(style.fontSize) * 0.8;
  return {
    main: token("--white"),
    white: token("--white"),
    second: token("--grey-2"),
    before: token("--grey-2"),
    quiet: token("--grey-2"),
    hair: token("--hair"),
    veil: "rgba(255, 255, 255, .06)",
    line,
    font: `400 ${line}px ${style.fontFamily}`,
  };
}
