// The codecs that a browser is asked about: ffmpeg's names, and how RFC 6381 writes their profiles and levels.

/**
 * Profiles by ffmpeg's names; `levels` in ffmpeg's numbers, the highest first. A function writes a level.
 * @typedef {object} VideoCodec
 * @property {string} codec
 * @property {number} bit_depth
 * @property {number[]} levels
 * @property {Record<string, (level: number) => string>} profiles
 */

/** @typedef {{codec: string, names: string[], channels: number}} AudioCodec `channels` is what the codec can hold */

const AVC_LEVELS = [52, 51, 50, 42, 41, 40, 32, 31];
const HEVC_LEVELS = [186, 183, 180, 156, 153, 150, 123, 120, 93]; // general_level_idc: thirty times the level
const VP9_LEVELS = [62, 61, 60, 52, 51, 50, 41, 40, 31];
const AV1_LEVELS = [19, 18, 17, 16, 15, 14, 13, 12, 9, 8, 5]; // seq_level_idx: 8 is level 4.0

/** @type {VideoCodec[]} ISO/IEC 14496-15, annex E; the VP9 and AV1 bindings to ISO BMFF */
export const VIDEO = [
  {
    codec: "h264",
    bit_depth: 8,
    levels: AVC_LEVELS,
    profiles: {
      High: (level) => `avc1.6400${hex(level)}`,
      Main: (level) => `avc1.4D40${hex(level)}`,
      Baseline: (level) => `avc1.4200${hex(level)}`,
      "Constrained Baseline": (level) => `avc1.42E0${hex(level)}`,
    },
  },
  { codec: "h264", bit_depth: 10, levels: AVC_LEVELS, profiles: { "High 10": (level) => `avc1.6E00${hex(level)}` } },
  { codec: "hevc", bit_depth: 8, levels: HEVC_LEVELS, profiles: { Main: (level) => `hvc1.1.6.L${level}.90` } },
  { codec: "hevc", bit_depth: 10, levels: HEVC_LEVELS, profiles: { "Main 10": (level) => `hvc1.2.4.L${level}.90` } },
  { codec: "vp9", bit_depth: 8, levels: VP9_LEVELS, profiles: { "Profile 0": (level) => `vp09.00.${level}.08` } },
  { codec: "vp9", bit_depth: 10, levels: VP9_LEVELS, profiles: { "Profile 2": (level) => `vp09.02.${level}.10` } },
  { codec: "av1", bit_depth: 8, levels: AV1_LEVELS, profiles: { Main: (level) => `av01.0.${two(level)}M.08` } },
  { codec: "av1", bit_depth: 10, levels: AV1_LEVELS, profiles: { Main: (level) => `av01.0.${two(level)}M.10` } },
];

/** @type {AudioCodec[]} of several names browsers know one or the other */
export const AUDIO = [
  { codec: "aac", names: ["mp4a.40.2"], channels: 8 },
  { codec: "ac3", names: ["ac-3"], channels: 6 },
  { codec: "eac3", names: ["ec-3"], channels: 8 },
  { codec: "opus", names: ["opus", "Opus"], channels: 8 },
  { codec: "flac", names: ["fLaC", "flac"], channels: 8 },
  { codec: "mp3", names: ["mp4a.40.34", "mp3"], channels: 2 },
];

/** Dolby Vision profile 5, which nothing without Dolby Vision can show. */
export const DOLBY_VISION = "dvh1.05.06";

/** @param {number} level */
function hex(level) {
  return level.toString(16).toUpperCase().padStart(2, "0");
}

/** @param {number} level */
function two(level) {
  return String(level).padStart(2, "0");
}
