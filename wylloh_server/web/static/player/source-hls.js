// hls.js behind the player's own words.

import { patientLoader } from "./patient-loader.js";

const MOST_RECOVERIES = 3;
const AUTO = -1;
const OFF = -1;
const ORIGINAL = "/v-original/"; // in the address of the picture that is handed through as it is
// A segment that nobody has watched yet is being made while we ask for it, so its first byte may take a while.
const PATIENCE = {
  default: {
    maxTimeToFirstByteMs: 30_000,
    maxLoadTimeMs: 120_000,
    timeoutRetry: { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: 6, retryDelayMs: 1000, maxRetryDelayMs: 8000 },
  },
};

export class HlsSource {
  #Hls;
  #recoveries;
  #hls;
  #url;
  #start;

  /**
   * @param {typeof import("hls.js").default} Hls
   * @param {HTMLVideoElement} video
   * @param {string} url
   * @param {number} start in seconds
   * @param {{worker: string, language: string}} options
   */
  constructor(Hls, video, url, start, { worker, language }) {
    this.events = new EventTarget();
    this.#Hls = Hls;
    this.#recoveries = 0;
    this.#url = url;
    this.#start = start;
    this.#hls = new Hls({
      workerPath: worker,
      fLoader: patientLoader(Hls.DefaultConfig.loader),
      startPosition: start > 0 ? start : -1,
      // So that no sound is fetched, and made, that nobody will hear.
      ...(language && { audioPreference: { lang: language } }),
      maxBufferLength: 30,
      maxMaxBufferLength: 60, // further ahead would only keep the server's encoder busy
      backBufferLength: 60,
      fragLoadPolicy: PATIENCE,
    });
    // The cues are drawn by the player, which moves them out of the way of its controls.
    this.#hls.subtitleDisplay = false;
    this.#listen();
    this.#hls.loadSource(url);
    this.#hls.attachMedia(video);
  }

  /**
   * @param {import("./source.js").Kind} kind
   * @returns {import("./source.js").Option[]}
   */
  choices(kind) {
    return { quality: () => this.#qualities(), audio: () => this.#audio(), subtitles: () => this.#subtitles() }[kind]();
  }

  /**
   * @param {import("./source.js").Kind} kind
   * @param {number} id
   */
  choose(kind, id) {
    if (kind === "quality") this.#hls.nextLevel = id;
    if (kind === "audio") this.#hls.audioTrack = id;
    if (kind === "subtitles") this.#hls.subtitleTrack = id;
    this.#changed();
  }

  /** The picture's present height, for "Auto · 720p". */
  get height() {
    return this.#hls.levels[this.#hls.currentLevel]?.height ?? 0;
  }

  /** How fast the stream arrives, in bits a second; 0 until that has been measured. */
  get bandwidth() {
    const { bandwidthEstimate, abrEwmaDefaultEstimate } = this.#hls;
    return bandwidthEstimate === abrEwmaDefaultEstimate ? 0 : bandwidthEstimate || 0;
  }

  /** Go on loading after a failure of the network. */
  retry() {
    if (this.#hls.levels.length === 0) this.#hls.loadSource(this.#url);
    else this.#hls.startLoad(this.#hls.media?.currentTime || this.#start);
  }

  destroy() {
    this.#hls.destroy();
  }

  #qualities() {
    const manual = this.#hls.manualLevel;
    const levels = this.#hls.levels.map((level, id) => ({ id, level }));
    levels.sort((one, other) => rank(other.level) - rank(one.level) || other.level.bitrate - one.level.bitrate);
    const auto = { id: AUTO, label: this.height ? `Auto · ${this.height}p` : "Auto", checked: manual === AUTO };
    return [auto, ...levels.map(({ id, level }) => ({ id, label: this.#quality(level), checked: manual === id }))];
  }

  /**
   * `Original · 1080p`, or `720p`; with the bit rate where two renditions have the same height.
   * @param {import("hls.js").Level} level
   */
  #quality(level) {
    if (level.uri.includes(ORIGINAL)) return `Original · ${level.height}p`;
    const alike = this.#hls.levels.filter((other) => rank(other) === rank(level)).length > 1;
    return alike ? `${level.height}p · ${(level.bitrate / 1e6).toFixed(1)} Mbit/s` : `${level.height}p`;
  }

  #audio() {
    return this.#hls.audioTracks.map((track, id) => ({
      id,
      label: label(track),
      checked: id === this.#hls.audioTrack,
      track: named(track),
    }));
  }

  #subtitles() {
    const tracks = this.#hls.subtitleTracks;
    if (tracks.length === 0) return [];
    const chosen = this.#hls.subtitleTrack;
    const off = { id: OFF, label: "Off", checked: chosen === OFF };
    return [
      off,
      ...tracks.map((track, id) => ({ id, label: label(track), checked: id === chosen, track: named(track) })),
    ];
  }

  #listen() {
    const { Events } = this.#Hls;
    const changes = [
      Events.MANIFEST_PARSED,
      Events.LEVELS_UPDATED,
      Events.LEVEL_SWITCHED,
      Events.AUDIO_TRACKS_UPDATED,
      Events.AUDIO_TRACK_SWITCHED,
      Events.SUBTITLE_TRACKS_UPDATED,
      Events.SUBTITLE_TRACK_SWITCH,
    ];
    for (const change of changes) this.#hls.on(change, () => this.#changed());
    // With the first one listed: by itself hls.js takes every network for a slow one until it has measured it.
    this.#hls.on(Events.MANIFEST_PARSED, (_, { firstLevel }) => {
      this.#hls.startLevel = firstLevel;
    });
    this.#hls.on(Events.ERROR, (_, data) => data.fatal && this.#failed(data));
  }

  #changed() {
    this.events.dispatchEvent(new Event("change"));
  }

  /** @param {import("hls.js").ErrorData} data */
  #failed({ type, response, details }) {
    const broken = type === this.#Hls.ErrorTypes.MEDIA_ERROR;
    if (broken && this.#recoveries++ < MOST_RECOVERIES) return this.#hls.recoverMediaError();
    const failure = { status: response?.code ?? 0, network: !broken, details };
    this.events.dispatchEvent(new CustomEvent("failure", { detail: failure }));
  }
}

/**
 * Where a picture stands in the menu: the original first, then the higher ones.
 * @param {import("hls.js").Level} level
 */
function rank({ uri, height }) {
  return uri.includes(ORIGINAL) ? Number.MAX_SAFE_INTEGER : height;
}

/**
 * @param {import("hls.js").MediaPlaylist} track
 * @returns {import("./preferences.js").Track}
 */
function named({ name, lang, forced }) {
  return { language: lang ?? "", name: name ?? "", forced };
}

/**
 * @param {import("hls.js").MediaPlaylist} track
 * @returns {string}
 */
function label({ name, lang }) {
  return name || lang || "";
}
