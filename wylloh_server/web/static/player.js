// The player: asks for a lease, opens the stream, and lets people steer.

import { byId, findAll } from "./dom.js";
import { clientProfile } from "./player/client-profile.js";
import { Controls } from "./player/controls.js";
import { ControlsVisibility } from "./player/controls-visibility.js";
import { showEndCard } from "./player/end-card.js";
import { createExit } from "./player/exit.js";
import { listenToKeys } from "./player/keys.js";
import { Lease, UNKNOWN } from "./player/lease.js";
import { showInSystem } from "./player/media-session.js";
import { Menus } from "./player/menus.js";
import { Message } from "./player/message.js";
import { PlainFile } from "./player/plain-file.js";
import { PlaybackInfo } from "./player/playback-info.js";
import { reportPosition } from "./player/position.js";
import { Preferences } from "./player/preferences.js";
import { SeekBar } from "./player/seekbar.js";
import { listenForFilms } from "./player/sent-films.js";
import { loadHls, openFile, openSource } from "./player/source.js";
import { subtitleStyle } from "./player/subtitle-style.js";
import { drawSubtitles } from "./player/subtitles.js";
import { showWaitReason } from "./player/wait-reason.js";
import { onTv } from "./remote-control.js";

const client = clientProfile(); // measured while the page is set up
const player = byId("player");
const video = byId("film", HTMLVideoElement);
const message = new Message(byId("message"), player);
const visibility = new ControlsVisibility(player, video);
const preferences = new Preferences(JSON.parse(player.dataset.preferences ?? "{}"));
const menus = new Menus(player, {
  opened: () => visibility.hold(true),
  closed: () => visibility.hold(false),
  chosen: (kind, option) => preferences.chosen(kind, option),
  pages: { subtitles: subtitleStyle(byId("subtitles"), preferences) },
  actions: { quality: { label: "Playback info", run: () => info.open() } },
});
const seek = new SeekBar(player, video);
const controls = new Controls(player, video, { seek, menus, preferences });
const film = player.dataset.film ?? "";
/** @type {{lease: Lease | PlainFile | null, source: import("./player/source.js").Source | null}} */
const playing = { lease: null, source: null };
const info = new PlaybackInfo(byId("playback-info"), video, () => ({
  playing: playing.lease?.playing ?? null,
  source: playing.source,
}));
const RETRY_MS = 1000;
const FINAL = new Set(["rights-gone", "signed-out"]);

async function begin() {
  message.hide();
  player.dataset.state = "loading";
  try {
    const { file } = player.dataset;
    const lease = file ? new PlainFile(file) : await Lease.of(player.dataset.play ?? "", await client);
    playing.lease = lease;
    lease.watch(over);
    seek.name(lease.chapters);
    const { start, hls = "", hlsWorker: worker = "" } = player.dataset;
    const Hls = file ? null : await loadHls(hls);
    if (playing.lease !== lease) return; // it ended meanwhile, and the sentence says why
    const language = preferences.values.audio?.language ?? "";
    playing.source = Hls
      ? openSource(Hls, video, lease.url, Number(start), { worker, language })
      : openFile(video, lease.url, Number(start));
  } catch (error) {
    return refused(error);
  }
  const { source } = playing;
  source.events.addEventListener("change", () => menus.fill(source));
  source.events.addEventListener("failure", (event) => failed(/** @type {CustomEvent} */ (event).detail));
  menus.fill(source);
  preferences.apply(source);
  await controls.play();
}

/**
 * No lease: show why, in the server's own sentence.
 * @param {any} error
 */
function refused(error) {
  if (error.status === 401) {
    window.location.assign(signInAddress());
    return;
  }
  // Without a store the server names the token itself, which is no address to open.
  const where = /^(https?:|\/)/.test(error.answer?.where ?? "") ? error.answer.where : "";
  message.show({ sentence: error.message, fix: error.fix, where, again: where ? null : begin });
}

/**
 * The lease has ended while the film ran.
 * @param {import("./player/lease.js").LeaseEnd} end
 */
function over({ why, sentence }) {
  close();
  const signIn = why === "signed-out" ? signInAddress() : "";
  const fix = signIn && onTv() ? "To watch again, let it in with your phone." : "";
  message.show({ sentence, fix, signIn, again: FINAL.has(why) ? null : restart });
}

/** Where this device is let in again: a TV by a phone, a browser by a wallet. */
function signInAddress() {
  return onTv() ? "/tv" : `/sign-in?next=${encodeURIComponent(window.location.pathname)}`;
}

/**
 * The stream broke. Ask the lease first: it knows the better reason.
 * @param {{network: boolean}} failure
 */
async function failed({ network }) {
  const { lease } = playing;
  const { end, reachable } = (await lease?.state()) ?? UNKNOWN;
  if (playing.lease !== lease) return; // it ended while we asked, and the sentence says why
  if (end) return over(end);
  if (network && !reachable) return goOnWhenBack();
  video.pause();
  const sentence = network ? "The film stopped arriving." : "This browser cannot go on with the film.";
  const fix = network
    ? "The server or the network is away. Your place is kept."
    : "Your place is kept. Try again, or use another browser.";
  message.show({ sentence, fix, again: restart });
}

/** Go on loading when the server answers again, unless the film is over by then. */
async function goOnWhenBack() {
  const { lease, source } = playing;
  if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) player.dataset.state = "loading";
  do await new Promise((resume) => setTimeout(resume, RETRY_MS));
  while (playing.source === source && !(await lease?.state())?.reachable);
  if (playing.source === source) source?.retry();
}

/** Start again where the film was, with a new lease. */
function restart() {
  close();
  return begin();
}

function close() {
  if (playing.source && video.currentTime > 0) player.dataset.start = String(video.currentTime);
  playing.lease?.end();
  playing.source?.destroy();
  playing.lease = null;
  playing.source = null;
  video.pause();
  video.removeAttribute("src");
  video.load();
}

function showState() {
  const states = {
    waiting: "loading",
    seeking: "loading",
    playing: "playing",
    canplay: "playing",
    seeked: "playing",
    ended: "ended",
  };
  for (const [name, state] of Object.entries(states)) {
    video.addEventListener(name, () => {
      if (!message.shown) player.dataset.state = state;
    });
  }
  video.addEventListener("pause", () => (player.dataset.paused = ""));
  video.addEventListener("play", () => delete player.dataset.paused);
}

/** A mouse click on the picture plays and pauses; a thumb brings the controls. */
function listenToPicture() {
  video.addEventListener("click", (event) => {
    if (menus.close()) return;
    if (event.pointerType === "touch") visibility.open ? visibility.hide() : visibility.show();
    else controls.toggle();
  });
}

player.dataset.paused = "";
showState();
listenToPicture();
drawSubtitles(video, byId("subtitles"));
preferences.keepVolume(video);
showEndCard(byId("end-card"), {
  video,
  play: () => controls.play(),
  shown: (shown) => {
    if (shown) info.close();
    visibility.hold(shown);
  },
});
showWaitReason(player, byId("waiting"), async () => (await playing.lease?.state()) ?? UNKNOWN);
showInSystem({ player, video, controls, seek });
const leave = createExit({
  video,
  tell: reportPosition(video, film),
  address: player.dataset.back ?? "/",
  links: findAll(player, "#back, #leave, #end-back"),
});
listenToKeys({
  player,
  video,
  visibility,
  menus,
  info,
  seek,
  controls,
  leave,
  time: byId("time"),
  toggle: byId("toggle"),
  over: () => message.shown,
});
window.addEventListener("pagehide", () => playing.lease?.end());
window.addEventListener("pageshow", ({ persisted }) => persisted && restart());
if (onTv()) byId("toggle").focus();
listenForFilms();
begin();
