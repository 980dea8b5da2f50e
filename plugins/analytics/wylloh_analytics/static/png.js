// Saves a chart as a picture that explains itself: what it shows, over which time, and where the numbers come from.

import { find } from "/static/dom.js";

const MARGIN = 32;

/**
 * Offer the picture as a file.
 * @param {HTMLElement} section
 * @param {uPlot} plot
 */
export async function savePicture(section, plot) {
  const picture = paint(section, plot.ctx.canvas);
  const blob = await new Promise((/** @type {(blob: Blob) => void} */ resolve) =>
    picture.toBlob((made) => made && resolve(made), "image/png"),
  );
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${about("file")} ${section.id}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @param {HTMLElement} section
 * @param {HTMLCanvasElement} chart
 */
function paint(section, chart) {
  const scale = window.devicePixelRatio || 1;
  const style = getComputedStyle(document.body);
  const size = parseFloat(style.fontSize) * scale;
  const margin = MARGIN * scale;
  const head = size * 4.4;
  const foot = size * 2.6;
  const canvas = document.createElement("canvas");
  canvas.width = chart.width + 2 * margin;
  canvas.height = chart.height + head + foot + 2 * margin;
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const root = getComputedStyle(document.documentElement);
  brush.fillStyle = root.getPropertyValue("--black").trim();
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.textBaseline = "top";
  /**
   * @param {string} text
   * @param {number} y
   * @param {number} factor
   * @param {number} weight
   * @param {string} colour
   */
  const write = (text, y, factor, weight, colour) => {
    brush.font = `${weight} ${size * factor}px ${style.fontFamily}`;
    brush.fillStyle = root.getPropertyValue(colour).trim();
    brush.fillText(text, margin, y, canvas.width - 2 * margin);
  };
  const title = [about("subject"), find(section, "h2").textContent, about("when")];
  write(title.join(" · "), margin, 1.4, 560, "--white");
  write(explained(section), margin + size * 2.1, 0.9, 400, "--grey-1");
  brush.drawImage(chart, margin, margin + head);
  write(sources(), margin + head + chart.height + size * 1.4, 0.85, 400, "--grey-2");
  return canvas;
}

/**
 * What the page says beside the chart, the unit, and which line is which.
 * @param {HTMLElement} section
 */
function explained(section) {
  const note = section.querySelector("header small")?.textContent;
  const unit = find(section, "th[data-part=main]").dataset.unit;
  /** @type {Record<string, string>} */
  const parts = { main: "white", second: "grey", before: "dotted" };
  const key = [...section.querySelectorAll(".key li")].map((line) => `${line.textContent} ${parts[line.className]}`);
  return [note, unit && `in ${unit}`, key.join(", ")].filter(Boolean).join("   ");
}

/**
 * What the page says of itself: the films (`subject`), the dates (`when`), and the name of files (`file`).
 * @param {string} what
 * @returns {string}
 */
function about(what) {
  return find(document, ".analytics").dataset[what] ?? "";
}

function sources() {
  return [...document.querySelectorAll("#proof li")].map((line) => line.textContent.trim()).join("   ");
}
