// Brings an HLS address to a <video>: by hls.js, or by the browser itself where only it can (older Safari).
//
// Both kinds offer the same: `choices(kind)` gives [{id, label, checked, track}] for "quality", "audio" and
// "subtitles"; `choose(kind, id)` takes one; the events "change" and "failure" come from `events`.

import { HlsSource } from "./source-hls.js";
import { NativeSource } from "./source-native.js";

/**
 * @typedef {"quality" | "audio" | "subtitles"} Kind
 * @typedef {{id: number, label: string, checked: boolean, track?: import("./preferences.js").Track}} Option
 * @typedef {HlsSource | NativeSource} Source
 */

/**
 * Open `url` at `start` seconds. `modules` says where hls.js and its worker lie, `language` which audio to begin with.
 * @param {HTMLVideoElement} video
 * @param {string} url
 * @param {number} start
 * @param {{hls: string, worker: string}} modules
 * @param {string} [language]
 * @returns {Promise<Source>}
 */
export async function openSource(video, url, start, modules, language = "") {
  const { default: Hls } = await import(modules.hls);
  if (Hls.isSupported()) return new HlsSource(Hls, video, url, start, { worker: modules.worker, language });
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
