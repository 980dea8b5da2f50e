// Puts further pages of a shelf below the first: when "Show more" is pressed, and on the last shelf also when its end
// comes near. Without scripts the same link leads to the page itself.

import { morph } from "./live/morph.js";

const NEAR = "800px";
const NEXT = "a[rel=next]";

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && target instanceof HTMLAnchorElement) void append(target);
    }
  },
  { rootMargin: NEAR },
);

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const link = target?.closest(`.shelf ${NEXT}`);
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  void append(link, true);
});
document.addEventListener("live:drawn", (event) => void refresh(event));
watch();

/** Only the last shelf grows by itself: what stands below a shelf that grows could not be reached. */
function watch() {
  near.disconnect();
  const shelves = document.querySelectorAll(".shelf");
  const link = shelves[shelves.length - 1]?.querySelector(NEXT);
  if (link) near.observe(link);
}

/**
 * Append the page that a link leads to.
 * @param {HTMLAnchorElement} link
 * @param {boolean} [focus] whether the first film of the page gets the focus
 */
async function append(link, focus = false) {
  const shelf = link.closest(".shelf");
  if (!shelf || link.hasAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  const page = await fetchShelf(link.href, shelf.id).catch(() => null);
  link.removeAttribute("aria-busy");
  const grid = page?.querySelector(".grid");
  const nav = shelf.querySelector("nav");
  if (!page || !nav || !(grid instanceof HTMLElement)) {
    if (focus) window.location.assign(link.href);
    return;
  }
  grid.id = `${shelf.id}-${new URL(link.href).searchParams.get("page")}`;
  grid.dataset.liveKeep = "";
  grid.dataset.address = link.href;
  nav.before(document.importNode(grid, true));
  updateLink(nav, page);
  if (focus) document.getElementById(grid.id)?.querySelector("a")?.focus();
  shelf.dispatchEvent(new CustomEvent("live:drawn", { bubbles: true, detail: "appended" })); // boxes to select with
  watch();
}

/**
 * Make the link lead to the page after the last one shown; remove it after the last page.
 * @param {Element} nav
 * @param {Element} page
 */
function updateLink(nav, page) {
  const next = page.querySelector(NEXT);
  const link = nav.querySelector(NEXT);
  if (!(link instanceof HTMLAnchorElement)) return;
  if (!next) {
    link.remove();
    return;
  }
  link.href = next.getAttribute("href") ?? "";
  link.textContent = next.textContent;
}

/**
 * Redraw the appended pages when their shelf is redrawn.
 * @param {Event} event
 */
async function refresh(event) {
  if (event instanceof CustomEvent && event.detail === "appended") return;
  for (const grid of document.querySelectorAll(".shelf .grid[data-address]")) {
    const shelf = grid.closest(".shelf");
    if (!(grid instanceof HTMLElement) || !shelf) continue;
    const address = grid.dataset.address ?? "";
    const page = await fetchShelf(address, shelf.id).catch(() => null);
    const wanted = page?.querySelector(".grid");
    if (!page || !(wanted instanceof HTMLElement)) continue;
    delete grid.dataset.liveKeep;
    wanted.id = grid.id;
    wanted.dataset.address = address;
    morph(grid, wanted);
    grid.dataset.liveKeep = "";
    const nav = shelf.querySelector("nav");
    if (nav) updateLink(nav, page);
  }
  watch();
}

/**
 * Fetch the page at an address and return its shelf.
 * @param {string} address
 * @param {string} id
 * @returns {Promise<Element | null>}
 */
async function fetchShelf(address, id) {
  const reply = await fetch(address, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { Accept: "text/html" },
  });
  if (!reply.ok || reply.redirected) return null;
  return new DOMParser().parseFromString(await reply.text(), "text/html").getElementById(id);
}
