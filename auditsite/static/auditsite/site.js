/* Small comforts. Everything works without this file. */
"use strict";

// Buttons that only a script can serve appear only where there is one.
for (const button of document.querySelectorAll("[data-copy], .theme-toggle")) {
  button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const label = copy.textContent;
    try {
      await navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Press Ctrl+C";
      getSelection().selectAllChildren(document.querySelector(copy.dataset.copy));
    }
    setTimeout(() => (copy.textContent = label), 1500);
  }
  // A click elsewhere closes open menus.
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) {
      menu.open = false;
    }
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// Leave empty fields out of the address: the URL is the query, and it is shared.
document.getElementById("filter")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData.entries()]) {
    if (value === "" || (name === "size" && value === "50")) {
      event.formData.delete(name);
    }
  }
});

// A period and dates exclude each other: choosing one lets go of the other. A period is applied at once.
const filter = document.getElementById("filter");
filter?.addEventListener("change", (event) => {
  const dates = filter.querySelectorAll("[name=date_from], [name=date_to]");
  if (event.target.name === "period") {
    for (const field of dates) {
      field.value = "";
    }
    filter.requestSubmit();
  } else if ([...dates].includes(event.target)) {
    filter.querySelector("[name=period][value='']").checked = true;
  } else if (event.target.type === "checkbox") {
    const menu = event.target.closest("details");
    const count = menu.querySelectorAll(":checked").length;
    menu.querySelector("summary span").textContent = count ? `${count} chosen` : "All";
  }
});
