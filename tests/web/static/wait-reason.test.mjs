import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { showWaitReason } from "/static/player/wait-reason.js";

const HIDDEN = "visually-hidden";
const UNKNOWN = { reachable: true, end: null, preparing: null };
const AWAY = "The server cannot be reached. It goes on by itself when it is back.";

/** A player that waits, its line, and a second that passes. `asked.answer` is what the server says. */
function waiting(context) {
  mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  context.mock.method(performance, "now", () => now);
  context.after(() => mock.timers.reset());
  const classes = new Set([HIDDEN]);
  const classList = { toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)) };
  const player = { dataset: { state: "loading" } };
  const line = { textContent: "Loading", classList };
  const asked = { answer: UNKNOWN };
  const second = async () => {
    now += 1000;
    mock.timers.tick(1000);
    await new Promise(setImmediate);
    return [line.textContent, !classes.has(HIDDEN)];
  };
  showWaitReason(player, line, async () => asked.answer);
  return { player, asked, second };
}

test("a picture that takes long says how long", async (context) => {
  const { player, asked, second } = waiting(context);
  assert.deepEqual(await second(), ["Loading", false]);
  asked.answer = { ...UNKNOWN, preparing: 12 };
  assert.deepEqual(await second(), ["Preparing, about 12 s", true]);
  player.dataset.state = "playing";
  assert.deepEqual(await second(), ["Loading", false]);
});

test("a server that is away for some seconds is told of, until it is back", async (context) => {
  const { asked, second } = waiting(context);
  asked.answer = { ...UNKNOWN, reachable: false };
  for (let seconds = 0; seconds < 3; seconds++) assert.deepEqual(await second(), ["Loading", false]);
  assert.deepEqual(await second(), [AWAY, true]);
  asked.answer = UNKNOWN;
  assert.deepEqual(await second(), ["Loading", false]);
  asked.answer = { ...UNKNOWN, reachable: false };
  assert.deepEqual(await second(), ["Loading", false], "a new outage counts from its own begin");
});

test("an answer that never comes is an outage too", async (context) => {
  const { asked, second } = waiting(context);
  asked.answer = new Promise((resume) => (asked.fail = resume));
  for (let seconds = 0; seconds < 4; seconds++) await second();
  asked.fail({ ...UNKNOWN, reachable: false });
  assert.deepEqual(await second(), [AWAY, true]);
});
