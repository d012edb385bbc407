/* Keys. */
// Keys: / to search, j and k along the rows, Enter to open one, ? for help, Escape to leave.
const help = document.getElementById("keys");
const rowLinks = () => [...document.querySelectorAll(":is(#findings, #events) tbody a.what")];
const step = (by) => {
  const links = rowLinks();
  const row =
    document.activeElement?.closest(":is(#findings, #events) tbody tr") ?? document.querySelector("#events tr[aria-current]");
  const place = links.findIndex((link) => row?.contains(link));
  links[Math.min(Math.max(place + by, 0), links.length - 1)]?.focus();
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) {
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("#filter :is([name=search_text], [name=q])")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "?" && help) {
    help.showModal();
  } else if (event.key === "Escape" && typing) {
    event.preventDefault(); // a search field would lose what was typed
    typing.blur();
  }
});
