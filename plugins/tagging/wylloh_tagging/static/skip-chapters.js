// Offers to skip a film's chapters, such as its intro, in the player.

import { player } from "/static/player-api.js";

const film = document.getElementById("skip-chapters")?.dataset.film ?? "";
const answer = await fetch(`/plugins/tagging/film/${encodeURIComponent(film)}/segments`);
if (answer.ok) player.setSegments((await answer.json()).segments, "tagging");
