// Brings an HLS address to a <video>: by hls.js, or by the browser itself where only it can (older Safari).
//
// Both kinds offer the same: `choices(kind)` gives [{id, label, checked}] for "quality", "audio" and
// "subtitles"; `choose(kind, id)` takes one; the events "change" and "failure" come from `events`.

import { NativeSource } from "./source-native.js";
import { HlsSource } from "./source-hls.js";

/** Open `url` at `start` seconds. `modules` says where hls.js and its worker lie. */
export async function openSource(video, url, start, modules) {
  const { default: Hls } = await import(modules.hls);
  if (Hls.isSupported()) return new HlsSource(Hls, video, url, start, modules.worker);
  if (video.canPlayType("application/vnd.apple.mpegurl")) return new NativeSource(video, url, start);
  throw new Error("This browser cannot play streams. Use a current Chrome, Firefox, Safari or Edge.");
}
