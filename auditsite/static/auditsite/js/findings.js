/* The whole row opens a finding; x chooses the row that has the focus, and a box in the head chooses all. */
const findings = document.getElementById("findings");
if (findings) {
  const boxes = [...findings.querySelectorAll(".choose input")];
  findings.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
      return;
    }
    const row = event.target.closest("tbody tr");
    if (row && !event.target.closest("a, button, input, label, .choose") && getSelection().isCollapsed) {
      location.assign(row.querySelector("a.what").href);
    }
  });
  document.addEventListener("keydown", (event) => {
    const box = document.activeElement?.closest("#findings tbody tr")?.querySelector(".choose input");
    if (event.key === "x" && box && !event.ctrlKey && !event.metaKey && !event.altKey) {
      box.checked = !box.checked;
    }
  });
  if (boxes.length > 1) {
    const all = document.createElement("input");
    all.type = "checkbox";
    all.setAttribute("aria-label", words.all);
    all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
    findings.querySelector("th.choose")?.replaceChildren(all);
  }
}
