// Draws the cues of the chosen text track, so that they can make room for the controls.

/** Show the active cues of whichever text track of `video` is not disabled in `place`. */
export function drawSubtitles(video, place) {
  const draw = () => {
    const cues = [...video.textTracks]
      .filter((track) => track.mode !== "disabled" && ["subtitles", "captions"].includes(track.kind))
      .flatMap((track) => [...(track.activeCues ?? [])]);
    place.replaceChildren(...cues.map(lines));
  };
  const listen = (track) => track.addEventListener("cuechange", draw);
  [...video.textTracks].forEach(listen);
  video.textTracks.addEventListener("addtrack", ({ track }) => listen(track));
  video.textTracks.addEventListener("change", draw);
  // A phone's own full-screen player shows nothing of this page, so it must show the cues itself.
  video.addEventListener("webkitbeginfullscreen", () => setMode(video, "hidden", "showing"));
  video.addEventListener("webkitendfullscreen", () => setMode(video, "showing", "hidden"));
}

function setMode(video, from, to) {
  for (const track of video.textTracks) if (track.mode === from) track.mode = to;
}

function lines(cue) {
  const line = document.createElement("p");
  line.append(cue.getCueAsHTML?.() ?? cue.text);
  return line;
}
