/* Columns as wide as a person draws them, in this browser: drag a heading's edge, or use the arrow keys on it. A double
   click or Home gives the usual width back. What takes whatever the others leave. */
const LEAST = 56;
const STEP = 16;
const wide = matchMedia("(width >= 1240px)");

const kept = () => {
  try {
    return JSON.parse(localStorage.getItem("column-widths")) ?? {};
  } catch {
    return {}; // a browser that keeps nothing, or something that is not ours
  }
};
const keep = (widths) => {
  try {
    localStorage.setItem("column-widths", JSON.stringify(widths));
  } catch {
    // as above
  }
};
const table = document.getElementById("events");
const cells = (name) => table.querySelectorAll(`:is(th, td).${name}`);
const setWidth = (name, width) => {
  for (const cell of cells(name)) {
    cell.style.minWidth = cell.style.maxWidth = width ? `${width}px` : "";
  }
};
const change = (edge, name, width) => {
  const { [name]: _former, ...others } = kept();
  const kind = width && Math.max(Math.round(width), LEAST);
  setWidth(name, kind);
  keep(kind ? { ...others, [name]: kind } : others);
  edge.setAttribute("aria-valuenow", Math.round(edge.parentElement.offsetWidth));
};

const addEdge = (heading) => {
  const name = heading.classList[0];
  const edge = document.createElement("span");
  edge.className = "edge";
  edge.tabIndex = 0;
  edge.setAttribute("role", "separator");
  edge.setAttribute("aria-orientation", "vertical");
  edge.setAttribute("aria-label", words.widthOf.replace("{column}", heading.textContent.trim()));
  edge.setAttribute("aria-valuemin", LEAST);
  edge.setAttribute("aria-valuemax", 1000);
  edge.setAttribute("aria-valuenow", heading.offsetWidth);
  edge.title = words.widthHelp;
  let from = null;
  edge.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, width: heading.offsetWidth };
    edge.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  edge.addEventListener("pointermove", (event) => {
    if (from) {
      change(edge, name, from.width + event.clientX - from.x);
    }
  });
  for (const type of ["pointerup", "pointercancel"]) {
    edge.addEventListener(type, () => (from = null));
  }
  edge.addEventListener("dblclick", () => change(edge, name, 0));
  edge.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (by || event.key === "Home") {
      event.preventDefault();
      event.stopPropagation();
      change(edge, name, by ? heading.offsetWidth + by : 0);
    }
  });
  heading.append(edge);
};

const lay = () => {
  for (const [name, width] of Object.entries(kept())) {
    if (/^[a-z_]+$/.test(name) && Number.isFinite(width)) {
      setWidth(name, wide.matches ? width : 0);
    }
  }
};
if (table) {
  for (const heading of table.querySelectorAll("th:not(.what)")) {
    addEdge(heading);
  }
  lay();
  wide.addEventListener("change", lay);
}
