/* Copying, and menus that close again. */
// Buttons that only a script can serve appear only where there is one.
const offer = () => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
  }
};
offer();
document.addEventListener("shown", offer);

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const label = copy.textContent;
    const source = document.querySelector(copy.dataset.copy); // of a link, its address
    try {
      await navigator.clipboard.writeText(source.href ?? source.textContent);
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
