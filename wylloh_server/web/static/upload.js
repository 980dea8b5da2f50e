// Uploads a file in pieces and goes on after a dropped connection, also after the page was closed (tus 1.0).

import { ApiError } from "./api.js";
import { find, findOptional } from "./dom.js";

const PIECE = 8 * 1024 * 1024;
const PAUSES_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000];
/** @type {Map<HTMLElement, import("tus-js-client").Upload>} */
const running = new Map();

/**
 * Send `file` for the place on the page; settles when all of it has arrived. `tell` says what happens.
 * @param {HTMLElement} place
 * @param {File} file
 * @param {string} title
 * @param {(text: string) => void} tell
 * @returns {Promise<void>}
 */
export function choose(place, file, title, tell) {
  const { kind = "" } = place.dataset;
  const language =
    place.dataset.language ?? findOptional(place, "[name=language]", HTMLInputElement)?.value.trim() ?? "";
  const known = sameFile(place, file) ? `/api/uploads/${place.dataset.upload}` : null;
  return new Promise((resolve, reject) => {
    const upload = new window.tus.Upload(file, {
      endpoint: "/api/uploads",
      uploadUrl: known,
      chunkSize: PIECE,
      retryDelays: PAUSES_MS,
      storeFingerprintForResuming: false,
      metadata: { filename: file.name, title, kind, ...(language && { language }) },
      onProgress: (sent, of) => show(place, file, sent, of),
      onShouldRetry: worthAnother,
      onError: (error) => reject(refused(error)),
      onSuccess: () => resolve(),
    });
    running.set(place, upload);
    show(place, file, 0, file.size);
    place.querySelector("[data-act=pause]")?.removeAttribute("hidden");
    tell(`${file.name} is on its way. Keep this page open; after a break it goes on where it was.`);
    upload.start();
  });
}

/**
 * Stop for a while; choosing the same file again goes on.
 * @param {HTMLElement} place
 */
export async function pause(place) {
  await running.get(place)?.abort();
  window.location.reload();
}

/**
 * Delete a file that has arrived, or a part of one.
 * @param {HTMLElement} place
 */
export async function removeFile(place) {
  await running.get(place)?.abort();
  await window.tus.Upload.terminate(`/api/uploads/${place.dataset.upload}`, {});
}

/**
 * @param {HTMLElement} place
 * @param {File} file
 */
function sameFile({ dataset }, file) {
  return dataset.upload && !dataset.whole && dataset.name === file.name && Number(dataset.size) === file.size;
}

/**
 * @param {HTMLElement} place
 * @param {File} file
 * @param {number} sent
 * @param {number} of
 */
function show(place, file, sent, of) {
  const bar = find(place, "progress", HTMLProgressElement);
  bar.hidden = false;
  bar.value = of ? Math.floor((100 * sent) / of) : 0;
  find(place, "small").textContent = `${file.name} · ${sent < of ? `${bar.value} %` : "here, and being looked into"}`;
}

/**
 * A lost connection, a server that restarts, a piece that another page has sent: all that passes.
 * @param {import("tus-js-client").DetailedError | Error} error
 */
function worthAnother(error) {
  const answered = "originalResponse" in error ? error.originalResponse : null;
  const status = answered?.getStatus() ?? 0;
  return status === 0 || status === 409 || status >= 500;
}

/** @param {import("tus-js-client").DetailedError | Error} error */
function refused(error) {
  const answered = "originalResponse" in error ? error.originalResponse : null;
  const status = answered?.getStatus() ?? 0;
  let answer = {};
  try {
    answer = JSON.parse(answered?.getBody() ?? "{}");
  } catch {
    // Not our answer: a proxy's, perhaps.
  }
  const lost = { error: "The connection was lost.", fix: "Choose the same file again to go on where it was." };
  return new ApiError(status, status ? answer : lost);
}
