// Brings an HLS address to a <video>: by hls.js, or by the browser itself where only it can (older Safari).
//
// Both kinds offer the same: `choices(kind)` gives [{id, label, checked, track}] for "quality", "audio" and
// "subtitles"; `choose(kind, id)` takes one; the events "change" and "failure" come from `events`.

import { ApiError } from "../api.js";
import { HlsSource } from "./source-hls.js";
import { NativeSource } from "./source-native.js";

/**
 * @typedef {"quality" | "audio" | "subtitles"} Kind
 * @typedef {{id: number, label: string, checked: boolean, track?: import("./preferences.js").Track}} Option
 * @typedef {HlsSource | NativeSource} Source
 */

/**
 * Load hls.js from its address. Throws ApiError.
 * @param {string} address
 * @returns {Promise<typeof import("hls.js").default>}
 */
export async function loadHls(address) {
  try {
    return (await import(address)).default;
  } catch {
    throw new ApiError(0, {});
  }
}

/**
 * Open `url` at `start` seconds. `worker` is the address of hls.js's worker, `language` which audio to begin with.
 * @param {typeof import("hls.js").default} Hls
 * @param {HTMLVideoElement} video
 * @param {string} url
 * @param {number} start
 * @param {{worker: string, language: string}} options
 * @returns {Source}
 */
export function openSource(Hls, video, url, start, options) {
  if (Hls.isSupported()) return new HlsSource(Hls, video, url, start, options);
  if (video.canPlayType("application/vnd.apple.mpegurl")) return new NativeSource(video, url, start);
  throw new Error("This browser cannot play streams. Use a current Chrome, Firefox, Safari or Edge.");
}

/**
 * Open a file that the browser plays by itself.
 * @param {HTMLVideoElement} video
 * @param {string} url
 * @param {number} start
 * @returns {Source}
 */
export function openFile(video, url, start) {
  return new NativeSource(video, url, start);
}
