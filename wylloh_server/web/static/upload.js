// Sends files in pieces, several at once, and goes on after a dropped connection, also after the page was closed
// (tus 1.0). The rows of files are redrawn while the page is open; what is being sent is shown in them.

import { ApiError, errorText } from "./api.js";
import { byId, find, findAll, findOptional } from "./dom.js";

const PIECE = 8 * 1024 * 1024;
const PAUSES_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000];

/**
 * @typedef {object} Sending a file on its way
 * @property {File} file
 * @property {import("tus-js-client").Upload} upload
 * @property {number} sent bytes
 * @property {boolean} arrived whole, and looked into
 * @property {() => void} end settles it as it is
 */

/** @type {Map<string, Sending>} */
const running = new Map(); // by the id of the row; a language's row may not be there yet
/** @type {Map<string, string>} */
const refusals = new Map(); // why the file chosen last was not taken, the same way

/**
 * Send `file` for a row of a title; settles when it has arrived and its row shows it, or says why it was not taken.
 * @param {HTMLElement} row
 * @param {File} file
 * @param {string} title
 */
export async function choose(row, file, title) {
  const id = idOf(row);
  await stop(id);
  refusals.delete(id);
  if (languageField(row)) for (const other of homeless()) refusals.delete(other);
  try {
    await send(id, row, file, title);
  } catch (error) {
    running.delete(id);
    refusals.set(id, errorText(error));
  }
  draw();
  await redrawn();
  if (running.get(id)?.arrived) running.delete(id);
  draw();
}

/**
 * Stop for a while; choosing the same file again goes on.
 * @param {HTMLElement} row
 */
export async function pause(row) {
  await stop(idOf(row));
  draw();
}

/**
 * Delete a file that has arrived, or the part of one that is here.
 * @param {HTMLElement} row
 */
export async function removeFile(row) {
  const id = idOf(row);
  const sending = running.get(id);
  await stop(id);
  refusals.delete(id);
  draw();
  const address = sending ? sending.upload.url : `/api/uploads/${row.dataset.upload}`;
  if (!address) return;
  await window.tus.Upload.terminate(address, {}).catch((error) => {
    throw refused(error, "Try again.");
  });
}

/**
 * @param {string} id
 * @param {HTMLElement} row
 * @param {File} file
 * @param {string} title
 * @returns {Promise<void>}
 */
function send(id, row, file, title) {
  const { kind = "" } = row.dataset;
  const language = languageOf(row);
  return new Promise((resolve, reject) => {
    const upload = new window.tus.Upload(file, {
      endpoint: "/api/uploads",
      uploadUrl: partOf(document.getElementById(id), file),
      chunkSize: PIECE,
      retryDelays: PAUSES_MS,
      storeFingerprintForResuming: false,
      metadata: { filename: file.name, title, kind, ...(language && { language }) },
      onUploadUrlAvailable: () => begun(row, language),
      onProgress: (sent) => progress(sending, sent),
      onShouldRetry: worthAnother,
      onError: (error) => reject(refused(error, "Choose the same file again to go on where it was.")),
      onSuccess: () => {
        sending.arrived = true;
        resolve();
      },
    });
    const sending = { file, upload, sent: 0, arrived: false, end: resolve };
    running.set(id, sending);
    draw();
    upload.start();
  });
}

/** @param {string} id */
async function stop(id) {
  const sending = running.get(id);
  running.delete(id);
  await sending?.upload.abort();
  sending?.end();
}

/**
 * The server knows the file now: its row can be drawn, and the field for another one's language is free.
 * @param {HTMLElement} row
 * @param {string} language
 */
function begun(row, language) {
  const field = languageField(row);
  if (field && field.value.trim() === language) field.value = "";
  refresh();
}

/**
 * @param {Sending} sending
 * @param {number} sent
 */
function progress(sending, sent) {
  sending.sent = sent;
  draw();
}

/** Show in every row what is being sent, and why something was not taken. */
function draw() {
  for (const row of findAll(document, ".upload")) {
    const sending = running.get(row.id);
    row.toggleAttribute("data-sending", sending !== undefined);
    if (sending) show(row, sending);
    else row.removeAttribute("data-arrived");
    keepFocus(row);
    showRefusal(row, refusals.get(row.id) ?? "");
  }
  const added = findOptional(document, "#new-subtitles");
  const texts = homeless().map((id) => refusals.get(id));
  if (added) showRefusal(added, texts.join(" "));
  showWhatRuns();
}

/** What was refused without a row of its own: it was chosen in the row for subtitles of another language. */
function homeless() {
  return [...refusals.keys()].filter((id) => !document.getElementById(id));
}

/**
 * @param {HTMLElement} row
 * @param {Sending} sending
 */
function show(row, { file, sent }) {
  const whole = sent > 0 && sent === file.size;
  const percent = file.size ? Math.floor((100 * sent) / file.size) : 0;
  find(row, "progress.sending", HTMLProgressElement).value = percent;
  find(row, "small.sending").textContent =
    `${file.name} · ${whole ? "here, and being looked into" : `${percent}\u00a0%`}`;
  row.toggleAttribute("data-arrived", whole);
}

/**
 * What had the focus in a row may have made way.
 * @param {HTMLElement} row
 */
function keepFocus(row) {
  const current = document.activeElement;
  if (!current || !row.contains(current) || current.checkVisibility()) return;
  const [first] = findAll(row, "input, button").filter((element) => element.checkVisibility());
  first?.focus();
}

/**
 * @param {HTMLElement} row
 * @param {string} text
 */
function showRefusal(row, text) {
  const line = findOptional(row, "[role=alert]");
  if (!line || line.textContent === text) return;
  line.textContent = text;
  line.hidden = !text;
}

function showWhatRuns() {
  const names = underWay().map(({ file }) => file.name);
  const text = names.length
    ? `Keep this page open until ${names.join(", ")} ${names.length > 1 ? "are" : "is"} here. ` +
      "After a break it goes on where it was."
    : "";
  const line = findOptional(document, "#sending");
  if (line && line.textContent !== text) line.textContent = text;
}

function underWay() {
  return [...running.values()].filter(({ arrived }) => !arrived);
}

function refresh() {
  document.dispatchEvent(new CustomEvent("live:refresh"));
}

/** Have the page redrawn, and wait for its rows. */
function redrawn() {
  const drawn = new Promise((resolve) => byId("uploads").addEventListener("live:drawn", resolve, { once: true }));
  refresh();
  return drawn;
}

/** @param {HTMLElement} row */
function languageField(row) {
  return findOptional(row, "[name=language]", HTMLInputElement);
}

/** @param {HTMLElement} row */
function languageOf(row) {
  return row.dataset.language ?? languageField(row)?.value.trim() ?? "";
}

/**
 * Return the id of the row in which a file chosen in `row` is shown.
 * @param {HTMLElement} row
 */
function idOf(row) {
  return languageField(row) ? `file-subtitles-${languageOf(row)}` : row.id;
}

/**
 * Return the address of what is here of the same file; null where it begins anew.
 * @param {HTMLElement | null} row
 * @param {File} file
 */
function partOf(row, file) {
  const { upload, whole, name, size } = row?.dataset ?? {};
  return upload && !whole && name === file.name && Number(size) === file.size ? `/api/uploads/${upload}` : null;
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

/**
 * @param {import("tus-js-client").DetailedError | Error} error
 * @param {string} fix what to do about a lost connection
 */
function refused(error, fix) {
  const answered = "originalResponse" in error ? error.originalResponse : null;
  const status = answered?.getStatus() ?? 0;
  let answer = {};
  try {
    answer = JSON.parse(answered?.getBody() ?? "{}");
  } catch {
    // Not our answer: a proxy's, perhaps.
  }
  return new ApiError(status, status ? answer : { error: "The connection was lost.", fix });
}

document.addEventListener("live:drawn", draw);
window.addEventListener("beforeunload", (event) => {
  if (underWay().length) event.preventDefault();
});
