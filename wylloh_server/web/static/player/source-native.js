// The browser's own HLS behind the player's own words.

const OFF = -1;

export class NativeSource {
  #video;
  #url;
  #start;
  #controller;

  /**
   * @param {HTMLVideoElement} video
   * @param {string} url
   * @param {number} start in seconds
   */
  constructor(video, url, start) {
    this.events = new EventTarget();
    this.#video = video;
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#url = url;
    this.#start = start;
    video.addEventListener("error", () => this.#failed(), { signal });
    for (const list of [video.textTracks, video.audioTracks]) {
      for (const name of ["addtrack", "change"]) list?.addEventListener(name, () => this.#changed(), { signal });
    }
    this.#load(start);
  }

  /** @param {number} start in seconds */
  #load(start) {
    const { signal } = this.#controller;
    const toStart = () => {
      if (start > 0) this.#video.currentTime = start;
    };
    this.#video.addEventListener("loadedmetadata", toStart, { signal, once: true });
    this.#video.src = this.#url;
  }

  /**
   * @param {import("./source.js").Kind} kind
   * @returns {import("./source.js").Option[]}
   */
  choices(kind) {
    return { quality: () => this.#quality(), audio: () => this.#audio(), subtitles: () => this.#subtitles() }[kind]();
  }

  /**
   * @param {import("./source.js").Kind} kind
   * @param {number} id
   */
  choose(kind, id) {
    if (kind === "audio") {
      for (const [index, track] of [...(this.#video.audioTracks ?? [])].entries()) track.enabled = index === id;
    }
    if (kind === "subtitles") {
      for (const [index, track] of [...this.#video.textTracks].entries())
        track.mode = index === id ? "hidden" : "disabled";
    }
    this.#changed();
  }

  get height() {
    return this.#video.videoHeight;
  }

  /** A browser does not tell how fast its own HLS arrives. */
  get bandwidth() {
    return 0;
  }

  /** Load again after a failure of the network, and go on where the film was. */
  retry() {
    const { paused, currentTime } = this.#video;
    this.#load(currentTime || this.#start);
    if (!paused) this.#video.play().catch(() => {});
  }

  destroy() {
    this.#controller.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #quality() {
    return [{ id: OFF, label: this.height ? `Auto · ${this.height}p` : "Auto", checked: true }];
  }

  #audio() {
    return [...(this.#video.audioTracks ?? [])].map((track, id) => ({
      id,
      label: label(track),
      checked: track.enabled,
      track: named(track),
    }));
  }

  #subtitles() {
    const tracks = [...this.#video.textTracks];
    if (tracks.length === 0) return [];
    const shown = tracks.map((track, id) => ({
      id,
      label: label(track),
      checked: track.mode !== "disabled",
      track: named(track),
    }));
    return [{ id: OFF, label: "Off", checked: shown.every(({ checked }) => !checked) }, ...shown];
  }

  #changed() {
    this.events.dispatchEvent(new Event("change"));
  }

  #failed() {
    const network = this.#video.error?.code === MediaError.MEDIA_ERR_NETWORK;
    this.events.dispatchEvent(new CustomEvent("failure", { detail: { status: 0, network, details: "native" } }));
  }
}

/**
 * @param {TextTrack | AudioTrack} track
 * @returns {import("./preferences.js").Track}
 */
function named(track) {
  return { language: track.language, name: track.label, forced: "kind" in track && String(track.kind) === "forced" };
}

/**
 * @param {TextTrack | AudioTrack} track
 * @returns {string}
 */
function label(track) {
  return track.label || track.language;
}
