// Gives the focus to what was pressed last, or on a TV to where one begins, before the page's own script looks for a
// place: the one thing to press on this page is at its end.
const onTv = document.documentElement.dataset.distance === "tv";
const place = document.querySelector("[autofocus]") ?? (onTv ? document.querySelector("[data-begin]") : null);
place?.focus();
place?.scrollIntoView({ block: "center" });
