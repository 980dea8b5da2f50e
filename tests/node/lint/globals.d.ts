// What browsers have besides the standard, and what scripts of other projects put into the page.

interface EthereumProvider {
  // biome-ignore lint/suspicious/noExplicitAny: EIP-1193 leaves parameters and results to each method
  request(call: { method: string; params?: any }): Promise<any>;
  on?(event: string, listener: (value: string[]) => void): void;
}

interface Window {
  ethereum?: EthereumProvider;
  /** In place of MediaSource on iPhones. */
  ManagedMediaSource?: typeof MediaSource;
  MediaSource?: typeof MediaSource;
  uPlot: typeof import("uplot").default;
  tus: typeof import("tus-js-client");
}

/** Safari's; its list is iterable. */
interface AudioTrack {
  enabled: boolean;
  label: string;
  language: string;
}

interface HTMLVideoElement {
  readonly audioTracks?: EventTarget & Iterable<AudioTrack>;
  webkitEnterFullscreen?(): void;
}
