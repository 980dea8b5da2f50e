import assert from "node:assert/strict";
import test from "node:test";

// As much of a page as the player's API touches.
class Element extends EventTarget {
  hidden = true;
  textContent = "";
}
class Video extends Element {
  currentTime = 0;
  duration = Number.NaN;
  paused = true;
  play() {
    this.paused = false;
    this.dispatchEvent(new Event("play"));
    return Promise.resolve();
  }
  pause() {
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
  moveTo(/** @type {number} */ seconds) {
    this.currentTime = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }
}
class Button extends Element {}

const video = new Video();
const note = new Element();
const skip = new Button();
const elements = { "#film": video, "#player-note": note, "#skip-segment": skip };
Object.assign(globalThis, {
  HTMLElement: Element,
  HTMLVideoElement: Video,
  HTMLButtonElement: Button,
  document: { querySelector: (/** @type {keyof typeof elements} */ name) => elements[name] },
  window: globalThis,
});
const { player } = await import("../../../wylloh_server/web/static/player-api.js");

test("time and duration are the film's", () => {
  assert.equal(player.duration, 0, "before it is known");
  video.duration = 100;
  assert.equal(player.duration, 100);
  const times = [];
  player.addEventListener("position", () => times.push(player.time));
  for (const seconds of [1, 2.5]) video.moveTo(seconds);
  assert.deepEqual(times, [1, 2.5]);
});

test("a plugin pauses, goes on, and hears of it", async () => {
  const heard = [];
  for (const name of ["play", "pause", "ended"]) player.addEventListener(name, () => heard.push(name));
  await player.play();
  assert.equal(player.paused, false);
  player.pause();
  assert.equal(player.paused, true);
  video.dispatchEvent(new Event("ended"));
  assert.deepEqual(heard, ["play", "pause", "ended"]);
});

test("a time outside of the film is its nearest end", () => {
  for (const [wanted, found] of [
    [40, 40],
    [-3, 0],
    [1000, 100],
  ]) {
    player.seek(wanted);
    assert.equal(player.time, found);
  }
});

test("a message is shown for a while, and the last one counts", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  player.showMessage("First", 6);
  context.mock.timers.tick(5000);
  player.showMessage("Second", 2);
  assert.deepEqual([note.textContent, note.hidden], ["Second", false]);
  context.mock.timers.tick(1500);
  assert.equal(note.hidden, false, "the end of the first does not hide the second");
  context.mock.timers.tick(500);
  assert.equal(note.hidden, true);
});

test("a part of the film can be skipped by its button", () => {
  player.setSegments([{ start: 10, end: 20, label: "Skip intro" }]);
  video.moveTo(9);
  assert.equal(skip.hidden, true);
  video.moveTo(10);
  assert.deepEqual([skip.hidden, skip.textContent], [false, "Skip intro"]);
  skip.dispatchEvent(new Event("click"));
  assert.deepEqual([video.currentTime, skip.hidden], [20, true]);
  video.moveTo(19.5);
  assert.equal(skip.hidden, true, "nothing is offered for its last second");
  video.moveTo(15);
  player.setSegments([]);
  assert.equal(skip.hidden, true);
});

test("an automatic part is skipped once, with a word; who goes back into it may see it", () => {
  player.setSegments([{ start: 30, end: 40, label: "Skip recap", automatic: true }]);
  video.moveTo(31);
  assert.deepEqual([video.currentTime, note.textContent, note.hidden], [40, "Skip recap", false]);
  video.moveTo(35);
  assert.deepEqual([video.currentTime, skip.hidden], [35, false]);
});

test("what two plugins offer stands side by side; an empty list takes back only its own plugin's", () => {
  player.setSegments([]);
  player.setSegments([{ start: 50, end: 60, label: "Skip intro" }], "skipintro");
  player.setSegments([], "tagging");
  video.moveTo(51);
  assert.deepEqual([skip.hidden, skip.textContent], [false, "Skip intro"]);
  player.setSegments([{ start: 50, end: 70, label: "Skip chapter", automatic: true }], "tagging");
  assert.deepEqual([video.currentTime, note.textContent], [70, "Skip chapter"]);
  video.moveTo(51);
  assert.deepEqual([skip.hidden, skip.textContent], [false, "Skip intro"]);
  player.setSegments([], "skipintro");
  player.setSegments([], "tagging");
  assert.equal(skip.hidden, true);
});
