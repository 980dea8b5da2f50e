// What the system's own controls show and do: a phone's lock screen, media keys of a desktop.

/**
 * Tell the system what plays, and do what its controls ask for.
 * @param {{player: HTMLElement, video: HTMLVideoElement, controls: import("./controls.js").Controls,
 *   seek: import("./seekbar.js").SeekBar}} parts
 */
export function showInSystem({ player, video, controls, seek }) {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  const { poster } = player.dataset;
  const artwork = poster ? [{ src: poster }] : [];
  mediaSession.metadata = new MediaMetadata({ title: video.getAttribute("aria-label") ?? "", artwork });
  /** @type {Partial<Record<MediaSessionAction, MediaSessionActionHandler>>} */
  const handlers = {
    play: () => controls.play(),
    pause: () => controls.pause(),
    seekbackward: ({ seekOffset }) => (seekOffset ? seek.skip(-seekOffset) : controls.back()),
    seekforward: ({ seekOffset }) => (seekOffset ? seek.skip(seekOffset) : controls.forward()),
    seekto: ({ seekTime }) => seek.to(seekTime ?? video.currentTime),
    previoustrack: () => controls.previous(),
    nexttrack: () => controls.next(),
  };
  for (const [action, handler] of Object.entries(handlers)) {
    try {
      mediaSession.setActionHandler(/** @type {MediaSessionAction} */ (action), handler);
    } catch {
      // A browser that does not know this action offers the others.
    }
  }
}
