// The client profile: what this browser plays, measured, for the server to decide what it need not encode.

import { AUDIO, DOLBY_VISION, VIDEO } from "./codecs.js";

/**
 * What is decoded of a codec at a bit depth, up to a level in ffmpeg's numbers. Sizes are 0 where only the level bounds.
 * @typedef {object} VideoSupport
 * @property {string} codec
 * @property {string[]} profiles
 * @property {number} level
 * @property {number} bit_depth
 * @property {number} width
 * @property {number} height
 * @property {number} frame_rate
 *
 * @typedef {{codec: string, channels: number}} AudioSupport
 * @typedef {{video: VideoSupport[], audio: AudioSupport[]}} Support
 *
 * `bit_rate` is 0 where there is no limit.
 * @typedef {object} ClientProfile
 * @property {string} name
 * @property {VideoSupport[]} video
 * @property {AudioSupport[]} audio
 * @property {string[]} dynamic_ranges
 * @property {string[]} subtitles
 * @property {number} bit_rate
 *
 * Whatever plays the stream: media source extensions, or the browser's own HLS.
 * @typedef {{type: "media-source" | "file", plays: (type: string) => boolean}} Engine
 */

const DEADLINE_MS = 300;
/** The largest first; each lies within the one before. */
const SIZES = [
  { width: 3840, height: 2160, framerate: 60 },
  { width: 1920, height: 1080, framerate: 60 },
  { width: 1920, height: 1080, framerate: 30 },
];
const SURROUND = [8, 6];
const STEREO = 2;
const WITH_HDR = new Set(["hevc", "vp9", "av1"]);
/** Each browser also names those it descends from, so the first sign decides. */
const BROWSERS = [
  ["Tizen", "Samsung TV"],
  ["Web0S", "LG TV"],
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser/", "Samsung Internet"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chromium"],
  ["Safari/", "Safari"],
];

/** @type {Promise<ClientProfile> | undefined} */
let measured;

/**
 * Return what this browser plays, within 300 ms; once per page, and measured once per tab.
 * @returns {Promise<ClientProfile>}
 */
export async function clientProfile() {
  measured ??= profile();
  return measured;
}

async function profile() {
  const engine = findEngine();
  const { video, audio } = remembered() ?? (await measure(engine));
  const name = BROWSERS.find(([sign]) => navigator.userAgent.includes(sign))?.[1] ?? "Browser";
  return { name, video, audio, dynamic_ranges: dynamicRanges(engine, video), subtitles: ["webvtt"], bit_rate: 0 };
}

/**
 * The same choice as hls.js makes, and openSource in source.js.
 * @returns {Engine}
 */
function findEngine() {
  const source = window.ManagedMediaSource ?? window.MediaSource;
  if (source?.isTypeSupported) return { type: "media-source", plays: (type) => source.isTypeSupported(type) };
  const video = document.createElement("video");
  return { type: "file", plays: (type) => video.canPlayType(type) !== "" };
}

/**
 * Codecs and levels are known at once; sizes and channels as far as the browser tells of them in time.
 * @param {Engine} engine
 * @returns {Promise<Support>}
 */
async function measure(engine) {
  /** @type {Support} */
  const support = { video: [], audio: [] };
  const refined = Promise.all([
    ...VIDEO.flatMap((codec) => levels(engine, codec)).map(async ([entry, type]) => {
      support.video.push(entry);
      if (!(await bound(engine, entry, type))) support.video = support.video.filter((other) => other !== entry);
    }),
    ...AUDIO.map(async ({ codec, names, channels }) => {
      const type = names.map((name) => `audio/mp4; codecs="${name}"`).find(engine.plays);
      if (!type) return;
      const entry = { codec, channels: STEREO };
      support.audio.push(entry);
      entry.channels = await channelsOf(engine, type, channels);
    }),
  ]).then(() => remember(support));
  await Promise.race([refined, new Promise((resume) => setTimeout(resume, DEADLINE_MS))]);
  remember(support); // also where the rest comes late, or never
  return support;
}

/**
 * Return an entry, with the type to ask about, for each level that is the highest of some of a codec's profiles.
 * @param {Engine} engine
 * @param {import("./codecs.js").VideoCodec} codec
 * @returns {[VideoSupport, string][]}
 */
function levels({ plays }, { codec, bit_depth, levels, profiles }) {
  /** @type {Map<number, [VideoSupport, string]>} */
  const found = new Map();
  for (const [name, write] of Object.entries(profiles)) {
    const type = (/** @type {number} */ level) => `video/mp4; codecs="${write(level)}"`;
    const level = levels.find((one) => plays(type(one)));
    if (level === undefined) continue;
    const entry = { codec, profiles: [], level, bit_depth, width: 0, height: 0, frame_rate: 0 };
    if (!found.has(level)) found.set(level, [entry, type(level)]);
    found.get(level)?.[0].profiles.push(name);
  }
  return [...found.values()];
}

/**
 * Write into an entry the largest size that is supported, unless all are. Return whether any is.
 * @param {Engine} engine
 * @param {VideoSupport} entry
 * @param {string} contentType
 * @returns {Promise<boolean>}
 */
async function bound({ type }, entry, contentType) {
  for (const size of SIZES) {
    const supported = await ask({ type, video: { contentType, bitrate: 20_000_000, ...size } });
    if (supported === null) return true;
    if (!supported) continue;
    const { width, height, framerate: frame_rate } = size;
    if (size !== SIZES[0]) Object.assign(entry, { width, height, frame_rate });
    return true;
  }
  return false;
}

/**
 * Return how many channels are decoded; two where the browser does not tell.
 * @param {Engine} engine
 * @param {string} contentType
 * @param {number} most
 * @returns {Promise<number>}
 */
async function channelsOf({ type }, contentType, most) {
  for (const channels of SURROUND.filter((count) => count <= most)) {
    const audio = { contentType, channels: String(channels), bitrate: 640_000, samplerate: 48_000 };
    if (await ask({ type, audio })) return channels;
  }
  return STEREO;
}

/**
 * Whether a browser can decode something, smoothly or not; null where it does not tell.
 * @param {MediaDecodingConfiguration} configuration
 * @returns {Promise<boolean | null>}
 */
async function ask(configuration) {
  try {
    return (await navigator.mediaCapabilities.decodingInfo(configuration)).supported;
  } catch {
    return null;
  }
}

/**
 * Asked anew for every film: a window moves to another screen.
 * @param {Engine} engine
 * @param {VideoSupport[]} video
 */
function dynamicRanges({ plays }, video) {
  const high = ["dynamic-range", "video-dynamic-range"].some((name) => matchMedia(`(${name}: high)`).matches);
  if (!high) return ["sdr"];
  const hdr = video.some(({ codec, bit_depth }) => bit_depth >= 10 && WITH_HDR.has(codec)) ? ["hdr10", "hlg"] : [];
  return ["sdr", ...hdr, ...(plays(`video/mp4; codecs="${DOLBY_VISION}"`) ? ["dolby-vision"] : [])];
}

function key() {
  return `client-profile ${navigator.userAgent}`;
}

/** @returns {Support | null} */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(key()) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Support} support */
function remember(support) {
  try {
    sessionStorage.setItem(key(), JSON.stringify(support));
  } catch {
    // A browser that stores nothing is measured for every film.
  }
}
