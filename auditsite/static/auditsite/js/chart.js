/* Dragging over the bars of the overview narrows the list to that stretch; a click on one is its link. */
let from = null;

const barAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest(".bars a");
const place = (bar) => [...bar.parentNode.children].indexOf(bar);
const between = (one, other) => {
  const [first, last] = [place(one), place(other)].sort((a, b) => a - b);
  return [...one.parentNode.children].slice(first, last + 1);
};
const param = (bar, name) => new URL(bar.href.baseVal, location).searchParams.get(name);
const unmark = () => {
  for (const bar of document.querySelectorAll(".bars a.chosen")) {
    bar.classList.remove("chosen");
  }
};

document.addEventListener("pointerdown", (event) => {
  from = event.button === 0 && event.pointerType === "mouse" ? event.target.closest?.(".bars a") : null;
  if (from) {
    event.preventDefault(); // links can be dragged away
  }
});
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.(".bars")) {
    event.preventDefault();
  }
});
document.addEventListener("pointermove", (event) => {
  const to = from && barAt(event);
  if (to) {
    unmark();
    for (const bar of between(from, to)) {
      bar.classList.add("chosen");
    }
  }
});
document.addEventListener("pointerup", (event) => {
  const start = from;
  const to = start && barAt(event);
  from = null;
  unmark();
  if (!to || to === start) {
    return;
  }
  const bars = between(start, to);
  const url = new URL(start.href.baseVal, location);
  url.searchParams.set("date_from", param(bars[0], "date_from"));
  url.searchParams.set("date_to", param(bars.at(-1), "date_to"));
  location.assign(url);
});
