/* Menus of boxes to tick: a field to find one, families that are ticked as a whole, and counts once the page knows them. */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

for (const sheet of document.querySelectorAll("#filter [data-find]")) {
  const labels = [...sheet.querySelectorAll("label:not(:has([data-family]))")];
  if (labels.length > 8) {
    const find = document.createElement("input");
    find.type = "search";
    find.className = "find";
    find.placeholder = sheet.dataset.find;
    find.autocomplete = "off";
    find.setAttribute("aria-label", sheet.dataset.find);
    find.addEventListener("input", () => {
      const wanted = plain(find.value).trim();
      const fits = (part) => plain(part?.textContent ?? "").includes(wanted);
      for (const label of labels) {
        label.hidden = !fits(label) && !fits(label.closest("fieldset")?.querySelector("legend"));
      }
      for (const group of sheet.querySelectorAll("fieldset")) {
        group.hidden = labels.every((label) => label.hidden || !group.contains(label));
      }
    });
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault(); // ticks what was found, and does not send the form
        labels.find((label) => !label.hidden)?.click();
      }
    });
    sheet.prepend(find);
    sheet.parentElement.addEventListener("toggle", () => {
      if (sheet.parentElement.open && matchMedia("(hover: hover)").matches) {
        find.focus();
      }
    });
  }
}

// A family is asked for as a whole when its own box was ticked, and by its types when these were.
const families = [...document.querySelectorAll("#filter [data-family]")].map((box) => ({
  box,
  whole: box.checked,
  types: [...box.closest("fieldset").querySelectorAll("input:not([data-family])")],
}));
const show = (family) => {
  const ticked = family.types.filter((type) => type.checked).length;
  family.box.checked = ticked === family.types.length;
  family.box.indeterminate = ticked > 0 && !family.box.checked;
};
for (const family of families) {
  const tickAll = () => {
    for (const type of family.types) {
      type.checked = family.whole;
    }
  };
  if (family.whole) {
    tickAll();
  }
  show(family);
  family.box.addEventListener("change", () => {
    family.whole = family.box.checked;
    tickAll();
    show(family);
  });
  for (const type of family.types) {
    type.addEventListener("change", () => {
      family.whole &&= type.checked;
      show(family);
    });
  }
}

const sent = (data) => {
  for (const { box, types, whole } of families) {
    const dropped = new Set(whole ? types.map((type) => type.value) : [box.value]);
    const kept = data.getAll(box.name).filter((value) => !dropped.has(value));
    data.delete(box.name);
    for (const value of kept) {
      data.append(box.name, value);
    }
  }
};
const filter = document.getElementById("filter");
filter?.addEventListener("formdata", (event) => sent(event.formData));
filter?.addEventListener("change", (event) => {
  if (event.target.type === "checkbox") {
    const menu = event.target.closest("details");
    const count = new FormData(filter).getAll(event.target.name).length;
    menu.querySelector("summary span").textContent = count ? words.chosen.replace("{count}", count) : words.all;
  }
});

// The overview has counted already: what it knows exactly stands beside the boxes too.
document.addEventListener("htmx:afterSettle", () => {
  for (const facet of document.querySelectorAll("#summary [data-counts]")) {
    const counts = new Map(
      [...facet.querySelectorAll("[data-code]")].map((line) => [line.dataset.code, line.querySelector("b").textContent]),
    );
    for (const [code, count] of Object.entries(JSON.parse(facet.dataset.rest ?? "{}"))) {
      counts.set(code, count);
    }
    for (const box of filter.querySelectorAll(`input[type=checkbox][name=${facet.dataset.counts}]:not([data-family])`)) {
      const label = box.closest("label");
      const count = label.querySelector(".count") ?? label.appendChild(document.createElement("span"));
      count.className = "count";
      count.textContent = counts.get(box.value) ?? "0";
    }
  }
});
