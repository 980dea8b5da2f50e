// The seek bar: where the film is, what is loaded, and where a click would lead.

import { find } from "../dom.js";
import { chapterAt, formatTime } from "./format.js";

const SETTLE_MS = 220;
const JUST = 3; // seconds

export class SeekBar {
  #video;
  #input;
  #peek;
  #bar;
  #done;
  #loaded;
  #now;
  #length;
  /** @type {number | null} */
  #wanted;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  /** @type {import("./format.js").Chapter[]} */
  #chapters = [];

  /**
   * @param {HTMLElement} root
   * @param {HTMLVideoElement} video
   */
  constructor(root, video) {
    this.#video = video;
    this.#input = find(root, "#time", HTMLInputElement);
    this.#peek = find(root, "#peek");
    this.#bar = find(root, "#seek");
    this.#done = find(root, ".track .done", SVGElement);
    this.#loaded = find(root, ".track .loaded", SVGElement);
    this.#now = find(root, "#now");
    this.#length = find(root, "#length");
    this.#wanted = null;
    this.#settling = undefined;
    this.#input.addEventListener("input", () => this.to(Number(this.#input.value)));
    this.#bar.addEventListener("pointermove", (event) => this.#show(event));
    this.#bar.addEventListener("pointerleave", () => (this.#peek.hidden = true));
    for (const name of ["timeupdate", "durationchange", "progress", "seeked"]) {
      video.addEventListener(name, () => this.#draw());
    }
  }

  /** Where the film is, or is about to be. */
  get at() {
    return this.#wanted ?? this.#video.currentTime;
  }

  /**
   * Go to a moment. Several wishes in quick succession become one seek.
   * @param {number} seconds
   */
  to(seconds) {
    const end = Number.isFinite(this.#video.duration) ? this.#video.duration : 0;
    this.#wanted = Math.min(Math.max(0, seconds), Math.max(0, end - 0.2));
    this.#draw();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  /** @param {number} seconds */
  skip(seconds) {
    this.to(this.at + seconds);
  }

  /**
   * Go to the next chapter's beginning (1), or to this one's or the one before (-1). Return whether there is one.
   * @param {1 | -1} by
   * @returns {boolean}
   */
  chapter(by) {
    const starts = [0, ...this.#chapters.map(({ start }) => start)];
    const found =
      by > 0 ? starts.find((start) => start > this.at) : starts.findLast((start) => start <= this.at - JUST);
    if (by < 0 || found !== undefined) this.to(found ?? 0);
    return by < 0 || found !== undefined;
  }

  /**
   * Name the chapter beside each time that is shown.
   * @param {import("./format.js").Chapter[]} chapters
   */
  name(chapters) {
    this.#chapters = chapters;
  }

  /**
   * @param {number} seconds
   * @returns {string}
   */
  #named(seconds) {
    const { title } = chapterAt(this.#chapters, seconds) ?? { title: "" };
    return title ? `${formatTime(seconds)} · ${title}` : formatTime(seconds);
  }

  #settle() {
    this.#video.currentTime = this.at;
    this.#wanted = null;
  }

  #draw() {
    const length = Number.isFinite(this.#video.duration) ? this.#video.duration : 0;
    this.#input.disabled = length === 0;
    this.#input.max = String(length);
    this.#input.value = String(this.at);
    this.#input.setAttribute("aria-valuetext", `${this.#named(this.at)} of ${formatTime(length)}`);
    this.#now.textContent = formatTime(this.at);
    this.#length.textContent = formatTime(length);
    this.#done.setAttribute("width", percent(this.at, length));
    this.#loaded.setAttribute("width", percent(this.#end(), length));
  }

  /** Where the loaded stretch ends that the film is in. */
  #end() {
    const { buffered, currentTime } = this.#video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + 0.5 && currentTime <= buffered.end(index)) return buffered.end(index);
    }
    return 0;
  }

  /** @param {PointerEvent} event */
  #show(event) {
    const { left, width } = this.#bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.#peek.hidden = event.pointerType === "touch" || this.#input.disabled;
    this.#peek.textContent = this.#named(share * this.#video.duration);
    this.#peek.style.left = `${share * 100}%`;
  }
}

/**
 * @param {number} part
 * @param {number} whole
 */
function percent(part, whole) {
  return `${whole ? Math.min(100, (100 * part) / whole) : 0}%`;
}
