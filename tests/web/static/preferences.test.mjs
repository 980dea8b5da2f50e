import assert from "node:assert/strict";
import { test } from "node:test";

import { findTrack } from "../../../wylloh_server/web/static/player/preferences.js";

const tracks = [
  { id: -1, label: "Off" },
  ...[
    ["en", "English"],
    ["en", "English, hard of hearing"],
    ["pt-BR", "Português"],
    ["", "Track 3"],
  ].map(([language, name], id) => ({ id, label: name, track: { language, name } })),
];
const found = (language, name) => findTrack(tracks, { language, name })?.label;

test("a track of the same language and name is found again, else one of the language", () => {
  assert.equal(found("en", "English, hard of hearing"), "English, hard of hearing");
  assert.equal(found("en", "Director's commentary"), "English");
  assert.equal(found("pt-PT", "Europeu"), "Português");
});

test("a track without language is found by its name alone, and nothing is guessed", () => {
  assert.equal(found("", "Track 3"), "Track 3");
  assert.equal(found("", "Track 1"), undefined);
  assert.equal(found("fr", "Français"), undefined);
  assert.equal(findTrack(tracks, null), undefined);
});
