import assert from "node:assert/strict";
import test from "node:test";
import { Lease } from "/static/player/lease.js";

const LEASE = new Lease({ url: "/play/token/master.m3u8", token: "token", lease_seconds: 60 });
const answered = (body, status = 200) => Response.json(body, { status });

test("a lease is asked for with what this browser plays, and tells how the film is played", async (context) => {
  const playing = { client: "Chromium", video: null, audio: [] };
  const answer = { url: "/play/token/master.m3u8", token: "token", lease_seconds: 60 };
  const client = { name: "Chromium", video: [], audio: [] };
  const request = context.mock.method(globalThis, "fetch", async () => answered({ ...answer, playing }));
  assert.deepEqual((await Lease.of("/api/films/one/play", client)).playing, playing);
  const [path, { body }] = request.mock.calls[0].arguments;
  assert.deepEqual([path, JSON.parse(body)], ["/api/films/one/play", { client }]);
  assert.equal(LEASE.playing, null);
});

for (const [name, fetched, state] of [
  ["lives", async () => answered({ alive: true, preparing: 7 }), { reachable: true, end: null, preparing: 7 }],
  ["has no server", () => Promise.reject(new TypeError()), { reachable: false, end: null, preparing: null }],
  ["has a proxy only", async () => answered({}, 502), { reachable: false, end: null, preparing: null }],
  ["meets a fault", async () => answered({}, 500), { reachable: true, end: null, preparing: null }],
])
  test(`a lease that ${name}`, async (context) => {
    context.mock.method(globalThis, "fetch", fetched);
    assert.deepEqual(await LEASE.state(), state);
  });

test("a lease that is over says why", async (context) => {
  const over = { alive: false, why: "signed-out", sentence: "This device was signed out." };
  context.mock.method(globalThis, "fetch", async () => answered(over));
  assert.deepEqual((await LEASE.state()).end, over);
});

test("a server that never answers is away", async (context) => {
  const wait = AbortSignal.timeout;
  context.mock.method(AbortSignal, "timeout", () => wait.call(AbortSignal, 1));
  const silent = (_, { signal }) =>
    new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
  context.mock.method(globalThis, "fetch", silent);
  assert.equal((await LEASE.state()).reachable, false);
});

function refuse() {
  throw new TypeError();
}

for (const [browser, sendBeacon, requests] of [
  ["sends a beacon", () => true, 0],
  ["has no room for a beacon", () => false, 1],
  ["sends no JSON as a beacon", refuse, 1],
])
  test(`a lease is given back by a closing page whose browser ${browser}`, async (context) => {
    const beacon = context.mock.fn(sendBeacon);
    const { navigator } = globalThis;
    Object.defineProperty(globalThis, "navigator", { value: { sendBeacon: beacon }, configurable: true });
    context.after(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));
    const request = context.mock.method(globalThis, "fetch", async () => answered({}));
    LEASE.end();
    const [path, body] = beacon.mock.calls[0].arguments;
    assert.deepEqual([path, body.type, await body.text()], ["/api/play/token/stop", "application/json", "{}"]);
    assert.equal(request.mock.callCount(), requests);
    for (const { arguments: sent } of request.mock.calls) {
      assert.deepEqual([sent[0], sent[1].keepalive], ["/api/play/token/stop", true]);
    }
  });
