/* What was unfolded stays so on the next page, in this browser. */
const unfold = () => {
  for (const folded of document.querySelectorAll("details[data-keep]")) {
    try {
      folded.open ||= localStorage.getItem(`open-${folded.dataset.keep}`) === "1";
    } catch {
      return; // a browser that keeps nothing
    }
  }
};
unfold();
document.addEventListener("htmx:afterSettle", unfold);
document.addEventListener(
  "toggle",
  (event) => {
    const name = event.target.dataset?.keep;
    if (name) {
      try {
        localStorage.setItem(`open-${name}`, event.target.open ? "1" : "0");
      } catch {
        // as above
      }
    }
  },
  true, // it does not bubble
);
