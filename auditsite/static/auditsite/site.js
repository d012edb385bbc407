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

// A value in the table is a link that narrows the filter to it. Beside it appear the ways to leave it out and to copy it.
const pick = document.createElement("div");
pick.className = "pick";
pick.hidden = true;
const leaveOut = document.createElement("a");
leaveOut.textContent = "Without";
const copyValue = document.createElement("button");
copyValue.type = "button";
copyValue.textContent = "Copy";
pick.append(leaveOut, copyValue);
document.body.append(pick);
let picked = null;

const showPick = (value) => {
  picked = value;
  const url = new URL(value.href);
  const name = [...url.searchParams.keys()].pop();
  url.searchParams.set(name, `-${url.searchParams.get(name)}`);
  leaveOut.href = url;
  leaveOut.title = `Leave out ${value.textContent}`;
  const place = value.getBoundingClientRect();
  pick.hidden = false;
  pick.style.left = `${Math.min(place.left + scrollX, scrollX + innerWidth - pick.offsetWidth - 8)}px`;
  pick.style.top = `${place.bottom + scrollY}px`;
};
const hidePick = () => {
  pick.hidden = true;
  picked = null;
};
for (const type of ["mouseover", "focusin"]) {
  document.addEventListener(type, (event) => {
    const value = event.target.closest?.("a.v");
    if (value) {
      showPick(value);
    } else if (!event.target.closest?.(".pick")) {
      hidePick();
    }
  });
}
copyValue.addEventListener("click", async () => {
  if (picked) {
    const url = new URL(picked.href);
    await navigator.clipboard?.writeText([...url.searchParams.values()].pop());
    copyValue.textContent = "Copied";
    setTimeout(() => (copyValue.textContent = "Copy"), 1200);
  }
});

// Keys: / to search, j and k along the rows, Enter to open one, ? for help, Escape to leave.
const help = document.getElementById("keys");
const rowLinks = () => [...document.querySelectorAll("#events tbody a.what")];
const step = (by) => {
  const links = rowLinks();
  const row = document.activeElement?.closest("#events tbody tr");
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
    document.querySelector("#filter [name=search_text]")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "?" && help) {
    help.showModal();
  } else if (event.key === "Escape" && typing) {
    typing.blur();
  }
});
