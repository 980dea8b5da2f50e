// The seek bar: where the film is, what is loaded, and where a click would lead.

import { clock } from "./words.js";

const SETTLE_MS = 220;

export class SeekBar {
  constructor(root, video) {
    this._video = video;
    this._input = root.querySelector("#time");
    this._peek = root.querySelector("#peek");
    this._bar = root.querySelector("#seek");
    this._done = root.querySelector(".track .done");
    this._loaded = root.querySelector(".track .loaded");
    this._now = root.querySelector("#now");
    this._length = root.querySelector("#length");
    this._wanted = null;
    this._settling = 0;
    this._input.addEventListener("input", () => this.to(Number(this._input.value)));
    this._bar.addEventListener("pointermove", (event) => this._show(event));
    this._bar.addEventListener("pointerleave", () => (this._peek.hidden = true));
    for (const name of ["timeupdate", "durationchange", "progress", "seeked"]) {
      video.addEventListener(name, () => this._draw());
    }
  }

  /** Where the film is, or is about to be. */
  get at() {
    return this._wanted ?? this._video.currentTime;
  }

  /** Go to a moment. Several wishes in quick succession become one seek. */
  to(seconds) {
    const end = Number.isFinite(this._video.duration) ? this._video.duration : 0;
    this._wanted = Math.min(Math.max(0, seconds), Math.max(0, end - 0.2));
    this._draw();
    clearTimeout(this._settling);
    this._settling = setTimeout(() => this._settle(), SETTLE_MS);
  }

  skip(seconds) {
    this.to(this.at + seconds);
  }

  _settle() {
    this._video.currentTime = this._wanted;
    this._wanted = null;
  }

  _draw() {
    const length = Number.isFinite(this._video.duration) ? this._video.duration : 0;
    this._input.disabled = length === 0;
    this._input.max = length;
    this._input.value = this.at;
    this._input.setAttribute("aria-valuetext", `${clock(this.at)} of ${clock(length)}`);
    this._now.textContent = clock(this.at);
    this._length.textContent = clock(length);
    this._done.setAttribute("width", percent(this.at, length));
    this._loaded.setAttribute("width", percent(this._end(), length));
  }

  /** Where the loaded stretch ends that the film is in. */
  _end() {
    const { buffered, currentTime } = this._video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + 0.5 && currentTime <= buffered.end(index)) return buffered.end(index);
    }
    return 0;
  }

  _show(event) {
    const { left, width } = this._bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this._peek.hidden = event.pointerType === "touch" || this._input.disabled;
    this._peek.textContent = clock(share * this._video.duration);
    this._peek.style.left = `${share * 100}%`;
  }
}

function percent(part, whole) {
  return `${whole ? Math.min(100, (100 * part) / whole) : 0}%`;
}
