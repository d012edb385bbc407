/* An event opens beside the table where there is room; without a script, or with a key held, its page opens. */
const wide = matchMedia("(width >= 1100px)");
const beside = document.createElement("aside");
beside.id = "beside";
beside.hidden = true;
beside.setAttribute("aria-label", words.event);
let opened = null; // the row's link
let came = null; // the last one that there was: what is open may be of another page of the table

const mark = (link) => {
  document.querySelector("#events tr[aria-current]")?.removeAttribute("aria-current");
  link?.closest("tr")?.setAttribute("aria-current", "true");
  opened = link;
  came = link ?? came;
};

// What is open stands in the address behind #: it survives reloading, and the way back closes it first.
const note = (path) => {
  const url = path ? `#${path}` : `${location.pathname}${location.search}`;
  if (path && !location.hash) {
    history.pushState(null, "", url);
  } else {
    history.replaceState(null, "", url);
  }
};

const close = () => {
  asked += 1; // what is on its way comes too late
  note("");
  beside.hidden = true;
  beside.replaceChildren();
  mark(null);
  came?.focus();
};

let asked = 0;
const open = async (href, link, focus) => {
  const turn = ++asked;
  let part = null;
  try {
    const answer = await fetch(href, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    part = answer.ok ? await answer.text() : null;
  } catch {
    // told by the page itself, below
  }
  if (turn !== asked) {
    return; // another event was asked for meanwhile
  }
  if (part === null) {
    location.assign(href);
    return;
  }
  beside.innerHTML = part;
  if (!beside.querySelector("[data-close]")) {
    const button = document.createElement("button");
    button.dataset.close = "";
    button.textContent = words.close;
    beside.append(button);
  }
  beside.hidden = false;
  beside.scrollTop = 0;
  mark(link);
  note(new URL(href, location).pathname);
  document.dispatchEvent(new Event("shown"));
  if (focus) {
    beside.querySelector("h2")?.focus();
  }
};

// The row of an event's address, whatever filter the address knows.
const rowOf = (href) =>
  [...document.querySelectorAll("#events tbody a.what")].find(
    (link) => new URL(link.href).pathname === new URL(href, location).pathname,
  ) ?? null;

if (document.getElementById("events")) {
  document.body.append(beside);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
      return;
    }
    if (event.target.closest("#beside [data-close]")) {
      close();
      return;
    }
    let link = event.target.closest("#events tbody a.what, #events tbody a.when, #beside .pages a");
    // The whole row opens the event, but for what is itself to be clicked, and for text that somebody selects.
    if (!link && !event.target.closest("a, button, input, label, .pick") && getSelection().isCollapsed) {
      link = event.target.closest("#events tbody tr")?.querySelector("a.what");
      if (link && !wide.matches) {
        location.assign(link.href);
        return;
      }
    }
    if (link && wide.matches) {
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
  // Browsers scroll for what is hidden, and leave what is half covered.
  document.addEventListener("focusin", (event) => {
    if (!beside.hidden && event.target.closest("main")) {
      event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
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
  const follow = () => {
    const path = location.hash.slice(1);
    if (/^\/accounts\/[^/]+\/events\/./.test(path) && wide.matches) {
      open(path + location.search, rowOf(path), false);
    } else if (!path && !beside.hidden) {
      close();
    }
  };
  addEventListener("popstate", follow);
  addEventListener("load", follow);
}
