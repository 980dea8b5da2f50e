// A film page that waits: says how much is here, and becomes the full page when everything is.

const LOOK_MS = 4000;

async function look() {
  const line = document.querySelector("[data-arriving]");
  try {
    const response = await fetch(window.location.href, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-arriving]");
    if (response.ok && !fresh) {
      window.location.reload();
      return;
    }
    if (line && fresh && fresh.textContent !== line.textContent) line.textContent = fresh.textContent;
  } catch {
    // The server is away for a moment; the next look will tell.
  }
  setTimeout(look, LOOK_MS);
}

setTimeout(look, LOOK_MS);
