/* Copying, and menus that close again. */
// Buttons that only a script can serve appear only where there is one.
const offer = () => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
  }
};
offer();
document.addEventListener("shown", offer);

// What is drawn as a code is copied as the character that it stands for.
const trueText = (part) => {
  const copy = part.cloneNode(true);
  for (const mark of copy.querySelectorAll(".code-mark")) {
    mark.replaceWith(String.fromCodePoint(Number.parseInt(mark.textContent.slice(2), 16) || 0xfffd));
  }
  return copy.textContent;
};
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  const parts = Array.from({ length: selection.rangeCount }, (_, place) => selection.getRangeAt(place).cloneContents());
  if (parts.some((part) => part.querySelector(".code-mark"))) {
    event.clipboardData.setData("text/plain", parts.map(trueText).join("\n"));
    event.preventDefault();
  }
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const label = copy.textContent;
    const source = document.querySelector(copy.dataset.copy); // of a link, its address
    try {
      await navigator.clipboard.writeText(source.href ?? trueText(source));
      copy.textContent = words.copied;
    } catch {
      if (source.href) {
        prompt(words.press, source.href);
      } else {
        copy.textContent = words.press;
        getSelection().selectAllChildren(source);
      }
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

// An open menu stays inside the window: it opens upwards where there is more room, and scrolls where there is too little.
const MARGIN = 8;
const fit = (menu) => {
  const sheet = menu.querySelector(":scope > .sheet");
  sheet.classList.remove("up");
  sheet.style.maxHeight = sheet.style.translate = "";
  if (!menu.open || getComputedStyle(sheet).position !== "absolute") {
    return;
  }
  const place = sheet.getBoundingClientRect();
  const below = innerHeight - place.top - MARGIN;
  const above = menu.getBoundingClientRect().top - 2 * MARGIN;
  if (place.height > below) {
    sheet.classList.toggle("up", above > below);
    sheet.style.maxHeight = `${Math.max(above, below)}px`;
  }
  const aside = Math.max(MARGIN - place.left, 0) || Math.min(document.body.clientWidth - MARGIN - place.right, 0);
  sheet.style.translate = `${aside}px 0`;
};
const fitAll = () => document.querySelectorAll("details.menu[open]").forEach(fit);
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.("details.menu")) {
      fit(event.target);
    }
  },
  true, // it does not bubble
);
document.addEventListener("htmx:afterSwap", fitAll);
addEventListener("resize", fitAll);
new ResizeObserver(fitAll).observe(document.body); // what arrives above it moves an open menu
