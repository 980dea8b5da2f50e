// Makes the editor of recipients quick: lines come and go without asking the server, and shares add up while they are
// typed. Without this script the same buttons ask the server. Nothing is a float: a basis point is a whole number.

const WHOLE = 10_000;
const form = document.getElementById("editor");
const lines = document.getElementById("lines");
const sum = document.getElementById("sum");

/** Basis points of `12.5`, `12,5 %` or `1250 bp`; null for what is no share. */
function pointsOf(text) {
  const plain = text.trim();
  const points = /^(\d{1,6})\s*(?:bps?|basis points?)$/i.exec(plain);
  if (points) return Number(points[1]);
  const found = /^(\d{1,6})(?:[.,](\d{1,2})0*)?\s*%?$/.exec(plain);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

function percent(points) {
  const part = String(points % 100).padStart(2, "0").replace(/0+$/, "");
  return `${Math.floor(points / 100)}${part && "."}${part} %`;
}

function bothWays(points) {
  if (points === null || points === 0 || points > WHOLE) return "";
  return `${percent(points)} · ${points.toLocaleString("en")} basis point${points === 1 ? "" : "s"}`;
}

function addUp() {
  let total = 0;
  for (const line of lines.children) {
    const points = pointsOf(line.querySelector("[name=share]").value);
    line.querySelector("output").value = bothWays(points);
    total += points ?? 0;
  }
  const gap = Math.abs(WHOLE - total);
  sum.textContent =
    total === WHOLE ? "Together exactly 100 %." : `Together ${percent(total)}: ${percent(gap)} ${total < WHOLE ? "missing" : "too much"}.`;
}

/** Number ids and names of the lines again, as the server would. */
function number() {
  [...lines.children].forEach((line, at) => {
    for (const field of line.querySelectorAll("input")) {
      field.id = `${field.name}-${at + 1}`;
      field.previousElementSibling.htmlFor = field.id;
    }
    line.querySelector("output").htmlFor = `share-${at + 1}`;
    const remove = line.querySelector("button");
    remove.value = `remove:${at + 1}`;
    remove.querySelector(".unseen").textContent = ` recipient ${at + 1}`;
  });
}

function empty(line) {
  line.classList.remove("stop");
  line.querySelector(".fault")?.remove();
  for (const field of line.querySelectorAll("input")) {
    field.value = "";
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

function add() {
  const line = lines.lastElementChild.cloneNode(true);
  empty(line);
  lines.append(line);
  number();
  line.querySelector("input").focus();
}

function remove(line) {
  const next = line.nextElementSibling ?? line.previousElementSibling;
  if (next) line.remove();
  else empty(line);
  number();
  (next ?? line).querySelector("button").focus();
}

form?.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=do]");
  if (!button) return;
  const line = button.closest(".line");
  if (button.value === "add" && lines.children.length < 50) add();
  else if (line) remove(line);
  else return;
  event.preventDefault();
  addUp();
});
form?.addEventListener("input", addUp);
