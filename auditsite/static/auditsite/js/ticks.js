/* Many boxes to tick get a field to find some; those that are ticked stay in sight. */
const bare = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const MANY = 12;

for (const list of document.querySelectorAll(".ticks[data-find]")) {
  const labels = [...list.querySelectorAll("label")];
  if (labels.length <= MANY) {
    continue;
  }
  const find = document.createElement("input");
  find.type = "search";
  find.className = "find-ticks";
  find.placeholder = list.dataset.find;
  find.autocomplete = "off";
  find.setAttribute("aria-label", `${list.dataset.find}: ${list.getAttribute("aria-label")}`);
  const none = document.createElement("p");
  none.className = "none";
  none.setAttribute("role", "status");
  const show = () => {
    const wanted = bare(find.value).trim();
    let found = 0;
    for (const label of labels) {
      const fits = bare(label.textContent).includes(wanted);
      found += fits ? 1 : 0;
      label.hidden = !fits && !label.querySelector("input").checked;
    }
    none.textContent = found ? "" : list.dataset.none;
  };
  find.addEventListener("input", show);
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // finds, and does not send the form
    }
  });
  list.prepend(find);
  list.append(none);
}
