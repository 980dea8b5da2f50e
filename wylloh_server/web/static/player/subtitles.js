// Draws the cues of the chosen text track, so that they can make room for the controls.

/**
 * Show the active cues of whichever text track of `video` is not disabled in `place`.
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} place
 */
export function drawSubtitles(video, place) {
  const draw = () => {
    const cues = [...video.textTracks]
      .filter((track) => track.mode !== "disabled" && ["subtitles", "captions"].includes(track.kind))
      .flatMap((track) => [...(track.activeCues ?? [])]);
    place.replaceChildren(...cues.map(lines));
  };
  const listen = (/** @type {TextTrack} */ track) => track.addEventListener("cuechange", draw);
  [...video.textTracks].forEach(listen);
  video.textTracks.addEventListener("addtrack", ({ track }) => track && listen(track));
  video.textTracks.addEventListener("change", draw);
  // A phone's own full-screen player shows nothing of this page, so it must show the cues itself.
  video.addEventListener("webkitbeginfullscreen", () => setMode(video, "hidden", "showing"));
  video.addEventListener("webkitendfullscreen", () => setMode(video, "showing", "hidden"));
}

/**
 * @param {HTMLVideoElement} video
 * @param {TextTrackMode} from
 * @param {TextTrackMode} to
 */
function setMode(video, from, to) {
  for (const track of video.textTracks) if (track.mode === from) track.mode = to;
}

/** @param {TextTrackCue} cue */
function lines(cue) {
  const line = document.createElement("p");
  if (!(cue instanceof VTTCue)) return line;
  line.append(cue.getCueAsHTML?.() ?? cue.text);
  if (isAtTop(cue)) line.className = "top";
  return line;
}

/**
 * Return whether a cue belongs into the upper part of the picture: it would cover what is written at the bottom.
 * @param {Pick<VTTCue, "line" | "snapToLines">} cue
 * @returns {boolean}
 */
export function isAtTop({ line, snapToLines }) {
  return typeof line === "number" && line >= 0 && line < (snapToLines ? 5 : 40);
}
