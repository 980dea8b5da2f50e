// hls.js behind the player's own words.

import { languageName } from "./words.js";

const MOST_RECOVERIES = 3;
const AUTO = -1;
const OFF = -1;
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
  constructor(Hls, video, url, start, worker) {
    this.events = new EventTarget();
    this._Hls = Hls;
    this._recoveries = 0;
    this._hls = new Hls({
      workerPath: worker,
      fLoader: patientLoader(Hls.DefaultConfig.loader),
      startPosition: start > 0 ? start : -1,
      maxBufferLength: 30,
      maxMaxBufferLength: 60, // further ahead would only keep the server's encoder busy
      backBufferLength: 60,
      fragLoadPolicy: PATIENCE,
    });
    // The cues are drawn by the player, which moves them out of the way of its controls.
    this._hls.subtitleDisplay = false;
    this._listen();
    this._hls.loadSource(url);
    this._hls.attachMedia(video);
  }

  choices(kind) {
    return { quality: () => this._qualities(), audio: () => this._audio(), subtitles: () => this._subtitles() }[kind]();
  }

  choose(kind, id) {
    if (kind === "quality") this._hls.nextLevel = id;
    if (kind === "audio") this._hls.audioTrack = id;
    if (kind === "subtitles") this._hls.subtitleTrack = id;
    this._changed();
  }

  /** The picture's present height, for "Auto · 720p". */
  get height() {
    return this._hls.levels[this._hls.currentLevel]?.height ?? 0;
  }

  destroy() {
    this._hls.destroy();
  }

  _qualities() {
    const manual = this._hls.manualLevel;
    const levels = this._hls.levels.map((level, id) => ({ id, level }));
    levels.sort((one, other) => other.level.height - one.level.height || other.level.bitrate - one.level.bitrate);
    const auto = { id: AUTO, label: this.height ? `Auto · ${this.height}p` : "Auto", checked: manual === AUTO };
    return [auto, ...levels.map(({ id, level }) => ({ id, label: this._quality(level), checked: manual === id }))];
  }

  /** `720p`; with the bit rate where two renditions have the same height. */
  _quality(level) {
    const alike = this._hls.levels.filter(({ height }) => height === level.height).length > 1;
    return alike ? `${level.height}p · ${(level.bitrate / 1e6).toFixed(1)} Mbit/s` : `${level.height}p`;
  }

  _audio() {
    return this._hls.audioTracks.map((track, id) => ({ id, label: label(track), checked: id === this._hls.audioTrack }));
  }

  _subtitles() {
    const tracks = this._hls.subtitleTracks;
    if (tracks.length === 0) return [];
    const chosen = this._hls.subtitleTrack;
    const off = { id: OFF, label: "Off", checked: chosen === OFF };
    return [off, ...tracks.map((track, id) => ({ id, label: label(track), checked: id === chosen }))];
  }

  _listen() {
    const { Events } = this._Hls;
    const changes = [
      Events.MANIFEST_PARSED, Events.LEVELS_UPDATED, Events.LEVEL_SWITCHED, Events.AUDIO_TRACKS_UPDATED,
      Events.AUDIO_TRACK_SWITCHED, Events.SUBTITLE_TRACKS_UPDATED, Events.SUBTITLE_TRACK_SWITCH,
    ];
    for (const change of changes) this._hls.on(change, () => this._changed());
    this._hls.on(Events.ERROR, (_, data) => data.fatal && this._failed(data));
  }

  _changed() {
    this.events.dispatchEvent(new Event("change"));
  }

  _failed({ type, response, details }) {
    const broken = type === this._Hls.ErrorTypes.MEDIA_ERROR;
    if (broken && this._recoveries++ < MOST_RECOVERIES) return this._hls.recoverMediaError();
    const failure = { status: response?.code ?? 0, network: !broken, details };
    this.events.dispatchEvent(new CustomEvent("failure", { detail: failure }));
  }
}

/**
 * A loader that lets go of an init segment as soon as another rendition is wanted, and without a word.
 *
 * hls.js 1.7 loads the init segment beside the first media segment. When the quality changes meanwhile, it goes on
 * waiting for the old one; and when it drops that at last, it takes this for the end of what it loads now and begins
 * anew every 100 ms. Where segments are made on demand, init segments are slow enough for both.
 */
function patientLoader(Loader) {
  const inits = {};
  return class extends Loader {
    load(context, config, callbacks) {
      const { sn, type, level } = context.frag ?? {};
      if (inits[type] && inits[type].level !== level) inits[type].loader.abort();
      if (sn === "initSegment") inits[type] = { level, loader: this };
      super.load(context, config, sn === "initSegment" ? { ...callbacks, onAbort: undefined } : callbacks);
    }
  };
}

function label({ name, lang }) {
  return name || languageName(lang);
}
