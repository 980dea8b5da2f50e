// Focuses what was pressed last, or on a TV where one begins, before the page's own script looks for a
// place: the one thing to press on this page is at its end.
const onTv = document.documentElement.dataset.distance === "tv";
/** @type {HTMLElement | null} */
const place = document.querySelector("[autofocus]") ?? (onTv ? document.querySelector("[data-begin]") : null);
place?.focus();
place?.scrollIntoView({ block: "center" });
