/* An event opens beside the table where there is room; without a script, or with a key held, its page opens. */
const wide = matchMedia("(width >= 1100px)");
const table = document.getElementById("events");
const beside = document.createElement("aside");
beside.id = "beside";
beside.hidden = true;
beside.setAttribute("aria-label", words.event);
let opened = null; // the row's link

const mark = (link) => {
  document.querySelector("#events tr[aria-current]")?.removeAttribute("aria-current");
  link?.closest("tr")?.setAttribute("aria-current", "true");
  opened = link;
};

const close = () => {
  const link = opened;
  beside.hidden = true;
  beside.replaceChildren();
  mark(null);
  link?.focus();
};

const open = async (href, link, focus) => {
  await htmx.ajax("GET", href, { target: beside, swap: "innerHTML show:none" });
  beside.hidden = false;
  beside.scrollTop = 0;
  mark(link);
  for (const button of beside.querySelectorAll("[data-copy]")) {
    button.hidden = false;
  }
  if (focus) {
    beside.querySelector("h2")?.focus();
  }
};

// The row of an event's address, whatever filter the address knows.
const rowOf = (href) =>
  [...document.querySelectorAll("#events tbody a.what")].find(
    (link) => new URL(link.href).pathname === new URL(href, location).pathname,
  ) ?? null;

if (table) {
  document.body.append(beside);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
      return;
    }
    if (event.target.closest("#beside [data-close]")) {
      close();
      return;
    }
    const link = event.target.closest("#events tbody a.what, #events tbody a.when, #beside .pages a");
    if (link && wide.matches && typeof htmx !== "undefined") {
      event.preventDefault();
      const row = rowOf(link.href);
      row?.scrollIntoView({ block: "nearest" });
      open(link.href, row, true);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !beside.hidden && !event.target.closest("input, select, textarea, dialog[open]")) {
      close();
    }
  });
  // j and k along the rows take what is open with them.
  let wait = 0;
  document.addEventListener("focusin", (event) => {
    if (!beside.hidden && event.target.matches("#events tbody a.what") && event.target !== opened) {
      clearTimeout(wait);
      wait = setTimeout(() => open(event.target.href, event.target, false), 150);
    }
  });
}
