/* The search box completes conditions and their values, as a combobox with a list beneath. */
const form = document.getElementById("filter");
const box = form?.dataset.suggest && form.querySelector("[name=search_text]");
if (box) {
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words.suggestions);
  list.hidden = true;
  box.after(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", list.id);
  box.autocomplete = "off";

  let asked = 0;
  let active = -1;
  let wait;

  // The piece before the caret, back to the last blank outside quotes.
  const piece = () => {
    const before = box.value.slice(0, box.selectionStart);
    let start = 0;
    let quoted = false;
    for (let place = 0; place < before.length; place += 1) {
      quoted = before[place] === '"' ? !quoted : quoted;
      start = before[place] === " " && !quoted ? place + 1 : start;
    }
    return { start, text: before.slice(start) };
  };

  const close = () => {
    clearTimeout(wait);
    asked += 1;
    active = -1;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };

  const choose = (option) => {
    const { start } = piece();
    const text = option.dataset.text;
    const rest = box.value.slice(box.selectionStart);
    const goesOn = text.endsWith(":");
    const put = goesOn || rest.startsWith(" ") ? text : `${text} `;
    box.setRangeText(put, start, box.selectionStart, "end");
    close();
    if (goesOn) {
      ask();
    }
  };

  const mark = (place) => {
    const options = [...list.children];
    active = (place + options.length + 1) % (options.length + 1); // one of them is none
    active = active === options.length ? -1 : active;
    for (const [number, option] of options.entries()) {
      option.setAttribute("aria-selected", String(number === active));
    }
    if (active < 0) {
      box.removeAttribute("aria-activedescendant");
    } else {
      box.setAttribute("aria-activedescendant", options[active].id);
      options[active].scrollIntoView({ block: "nearest" });
    }
  };

  const show = (items) => {
    const marked = list.hidden ? null : list.children[active]?.dataset.text;
    list.replaceChildren(
      ...items.map((item, number) => {
        const option = document.createElement("li");
        option.id = `suggestion-${number}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.text = item.text;
        const text = document.createElement("code");
        text.textContent = item.text;
        const label = document.createElement("span");
        label.textContent = item.label === item.text ? item.kind : item.label;
        option.append(text, " ", label);
        return option;
      }),
    );
    active = -1;
    list.hidden = items.length === 0;
    box.setAttribute("aria-expanded", String(items.length > 0));
    box.removeAttribute("aria-activedescendant");
    // Somebody may have gone down the list of the letters before: what is marked stays so.
    const place = items.findIndex((item) => item.text === marked);
    if (place >= 0) {
      mark(place);
    }
  };

  const ask = async () => {
    asked += 1;
    const mine = asked;
    const address = new URL(form.dataset.suggest, location.href);
    address.searchParams.set("piece", piece().text);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const { items } = answer.ok ? await answer.json() : { items: [] };
      if (mine === asked && document.activeElement === box) {
        show(items);
      }
    } catch {
      close(); // the box works without
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(wait);
    if (piece().text) {
      wait = setTimeout(ask, 120);
    } else {
      close();
    }
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return;
    }
    if (event.key === "ArrowDown" && list.hidden) {
      ask();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      mark(event.key === "ArrowDown" ? active + 1 : active < 0 ? list.children.length - 1 : active - 1);
    } else if (!list.hidden && active >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      choose(list.children[active]);
    } else if (!list.hidden && event.key === "Escape") {
      close();
    } else {
      if (event.key === "Enter") {
        close();
      }
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the box keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) {
      choose(option);
    }
  });
}
