// Gives the focus to what was pressed last before the page's own script looks for a place to begin.
document.querySelector("[autofocus]")?.focus();
