// Answers a suggestion without leaving the page: the form is sent, and the parts about tags drawn anew. The focus goes
// to what stands in its place, so that a remote can answer one after the other.

const PARTS = ["film-tags", "suggested-tags", "suggested-films"];

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-quiet]")) return;
  event.preventDefault();
  const place = placeOf(form);
  try {
    const reply = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!reply.ok) throw new Error(`The server answered ${reply.status}.`);
    draw(new DOMParser().parseFromString(await reply.text(), "text/html"));
    focus(place);
  } catch {
    form.submit(); // the plain way shows what went wrong
  }
});

function draw(fresh) {
  for (const id of PARTS) {
    const [old, wanted] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && wanted) old.replaceChildren(...wanted.childNodes);
  }
}

/** Which of the buttons of its part a form has. */
function placeOf(form) {
  const part = form.closest(PARTS.map((id) => `#${id}`).join(", "));
  const button = form.querySelector("button");
  return { id: part?.id, number: part ? buttons(part).indexOf(button) : -1 };
}

function focus({ id, number }) {
  const part = document.getElementById(id);
  if (!part) return;
  const there = buttons(part);
  const next = there[Math.min(number, there.length - 1)] ?? part.querySelector("summary, a[href], button");
  next?.focus();
}

function buttons(part) {
  return [...part.querySelectorAll("form[data-quiet] button")];
}
