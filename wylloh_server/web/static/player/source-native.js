// The browser's own HLS behind the player's own words.

import { languageName } from "./words.js";

const OFF = -1;

export class NativeSource {
  constructor(video, url, start) {
    this.events = new EventTarget();
    this._video = video;
    this._controller = new AbortController();
    const { signal } = this._controller;
    video.addEventListener("loadedmetadata", () => start > 0 && (video.currentTime = start), { signal, once: true });
    video.addEventListener("error", () => this._failed(), { signal });
    for (const list of [video.textTracks, video.audioTracks]) {
      for (const name of ["addtrack", "change"]) list?.addEventListener(name, () => this._changed(), { signal });
    }
    video.src = url;
  }

  choices(kind) {
    return { quality: () => this._quality(), audio: () => this._audio(), subtitles: () => this._subtitles() }[kind]();
  }

  choose(kind, id) {
    if (kind === "audio") this._tracks("audioTracks").forEach((track, index) => (track.enabled = index === id));
    if (kind === "subtitles") {
      this._tracks("textTracks").forEach((track, index) => (track.mode = index === id ? "hidden" : "disabled"));
    }
    this._changed();
  }

  get height() {
    return this._video.videoHeight;
  }

  destroy() {
    this._controller.abort();
    this._video.removeAttribute("src");
    this._video.load();
  }

  _quality() {
    return [{ id: OFF, label: this.height ? `Auto · ${this.height}p` : "Auto", checked: true }];
  }

  _audio() {
    return this._tracks("audioTracks").map((track, id) => ({ id, label: label(track), checked: track.enabled }));
  }

  _subtitles() {
    const tracks = this._tracks("textTracks");
    if (tracks.length === 0) return [];
    const shown = tracks.map((track, id) => ({ id, label: label(track), checked: track.mode !== "disabled" }));
    return [{ id: OFF, label: "Off", checked: shown.every(({ checked }) => !checked) }, ...shown];
  }

  _tracks(list) {
    return [...(this._video[list] ?? [])];
  }

  _changed() {
    this.events.dispatchEvent(new Event("change"));
  }

  _failed() {
    const network = this._video.error?.code === MediaError.MEDIA_ERR_NETWORK;
    this.events.dispatchEvent(new CustomEvent("failure", { detail: { status: 0, network, details: "native" } }));
  }
}

function label(track) {
  return track.label || languageName(track.language);
}
