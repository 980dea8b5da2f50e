// The player: asks for a lease, opens the stream, and lets people steer.

import { Controls } from "./player/controls.js";
import { Deck } from "./player/deck.js";
import { listenToKeys } from "./player/keys.js";
import { leaving } from "./player/leaving.js";
import { Lease } from "./player/lease.js";
import { Menus } from "./player/menus.js";
import { Message } from "./player/message.js";
import { rememberPosition } from "./player/position.js";
import { SeekBar } from "./player/seekbar.js";
import { openSource } from "./player/source.js";
import { drawSubtitles } from "./player/subtitles.js";
import { onTv } from "./remote.js";

const player = document.getElementById("player");
const video = document.getElementById("film");
const message = new Message(document.getElementById("message"), player);
const deck = new Deck(player, video);
const menus = new Menus(player, { opened: () => deck.hold(true), closed: () => deck.hold(false) });
const seek = new SeekBar(player, video);
const controls = new Controls(player, video, { seek, menus });
const playing = { lease: null, source: null };
const FINAL = new Set(["rights-gone", "signed-out"]);

async function begin() {
  message.hide();
  player.dataset.state = "loading";
  try {
    const lease = await Lease.of(player.dataset.film);
    playing.lease = lease;
    lease.watch(over);
    const start = Number(player.dataset.start);
    playing.source = await openSource(video, lease.url, start, { hls: player.dataset.hls, worker: player.dataset.hlsWorker });
  } catch (error) {
    return refused(error);
  }
  playing.source.events.addEventListener("change", () => menus.fill(playing.source));
  playing.source.events.addEventListener("failure", ({ detail }) => failed(detail));
  menus.fill(playing.source);
  await controls.play();
}

/** No lease: say why, in the server's own sentence. */
function refused(error) {
  if (error.status === 401) {
    window.location.assign(onTv() ? "/tv" : `/sign-in?next=${encodeURIComponent(window.location.pathname)}`);
    return;
  }
  // Without a store the server names the token itself, which is no address to open.
  const where = /^(https?:|\/)/.test(error.answer?.where ?? "") ? error.answer.where : "";
  message.show({ sentence: error.message, fix: error.fix, where, again: where ? null : begin });
}

/** The lease has ended while the film ran. */
function over({ why, sentence }) {
  close();
  const pair = why === "signed-out" && onTv();
  const fix = pair ? "To watch again, let it in with your phone." : "";
  message.show({ sentence, fix, pair, again: FINAL.has(why) ? null : restart });
}

/** The stream broke. Ask the lease first: it knows the better reason. */
async function failed({ network }) {
  const end = await playing.lease?.ending();
  if (end) return over(end);
  video.pause();
  const sentence = network ? "The film stopped arriving." : "This browser cannot go on with the film.";
  const fix = network ? "The server or the network is away. Your place is kept." : "Your place is kept. Try again, or use another browser.";
  message.show({ sentence, fix, again: restart });
}

/** Begin anew where the film was, with a new lease. */
function restart() {
  close();
  return begin();
}

function close() {
  if (playing.source && video.currentTime > 0) player.dataset.start = String(video.currentTime);
  playing.lease?.end();
  playing.source?.destroy();
  playing.source = null;
  video.pause();
  video.removeAttribute("src");
  video.load();
}

function showState() {
  const states = { waiting: "loading", seeking: "loading", playing: "playing", canplay: "playing", seeked: "playing", ended: "ended" };
  for (const [name, state] of Object.entries(states)) {
    video.addEventListener(name, () => {
      if (!message.shown) player.dataset.state = state;
    });
  }
  video.addEventListener("pause", () => (player.dataset.paused = ""));
  video.addEventListener("play", () => delete player.dataset.paused);
  video.addEventListener("ended", () => deck.hold(true));
}

/** A mouse click on the picture plays and pauses; a thumb brings the controls. */
function listenToPicture() {
  video.addEventListener("click", (event) => {
    if (menus.close()) return;
    if (event.pointerType === "touch") deck.open ? deck.hide() : deck.show();
    else controls.toggle();
  });
}

player.dataset.paused = "";
showState();
listenToPicture();
drawSubtitles(video, document.getElementById("subtitles"));
const leave = leaving({
  video,
  tell: rememberPosition(video, player.dataset.film),
  address: player.dataset.back,
  links: player.querySelectorAll("#back, #leave"),
});
listenToKeys({
  player, video, deck, menus, seek, controls, leave,
  time: document.getElementById("time"),
  toggle: document.getElementById("toggle"),
  over: () => message.shown,
});
window.addEventListener("pagehide", () => playing.lease?.end());
window.addEventListener("pageshow", ({ persisted }) => persisted && restart());
if (onTv()) document.getElementById("toggle").focus();
begin();
