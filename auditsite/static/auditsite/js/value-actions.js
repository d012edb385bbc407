/* A value in the table, the legend and the counts is a link that narrows the filter to it. Beside it appear the ways to
   leave it out, to copy it and to all that is known of it; from the keyboard they are -, c and a. A click with Shift
   leaves it out too. */
const kinds = { user_email: "user", source_ip: "ip" };
const pick = document.createElement("div");
pick.className = "pick";
pick.hidden = true;
const leaveOut = document.createElement("a");
leaveOut.textContent = words.without;
const copyValue = document.createElement("button");
copyValue.type = "button";
copyValue.textContent = words.copyWord;
const about = document.createElement("a");
about.textContent = words.about;
pick.append(leaveOut, copyValue, about);
document.body.append(pick);
let picked = null;

const parameterOf = (value) => {
  const { searchParams } = new URL(value.href);
  const name = [...searchParams.keys()].pop();
  return [name, searchParams.get(name)];
};
const without = (value) => {
  const url = new URL(value.href);
  const [name, text] = parameterOf(value);
  const others = JSON.parse(document.getElementById("events")?.dataset.exclusions ?? "{}")[name];
  const negated = text.split(",").map((item) => `-${item}`).join(",");
  url.searchParams.set(name, others ? `${others},${negated}` : negated);
  return url;
};
const showPick = (value) => {
  picked = value;
  const [name, text] = parameterOf(value);
  about.hidden = !(name in kinds);
  about.href = words.aboutUrl.replace("KIND", kinds[name]).replace("VALUE", encodeURIComponent(text));
  leaveOut.href = without(value);
  leaveOut.title = words.leaveOut.replace("{value}", value.textContent);
  const place = value.getBoundingClientRect();
  pick.hidden = false;
  // Beside the value, never over the row below: that one may be the next to be pointed at.
  const edge = document.querySelector("#beside:not([hidden])")?.getBoundingClientRect().left ?? innerWidth;
  const right = place.right + pick.offsetWidth + 8 < edge || !!value.closest("#beside");
  pick.style.left = `${(right ? place.right : place.left - pick.offsetWidth) + scrollX}px`;
  pick.style.top = `${place.top + (place.height - pick.offsetHeight) / 2 + scrollY}px`;
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
    await navigator.clipboard?.writeText(parameterOf(picked)[1]);
    copyValue.textContent = words.copied;
    setTimeout(() => (copyValue.textContent = words.copyWord), 1200);
  }
});
document.addEventListener(
  "click",
  (event) => {
    const value = event.shiftKey && event.target.closest?.("a.v");
    if (value) {
      event.preventDefault();
      event.stopPropagation();
      location.assign(without(value));
    }
  },
  true, // before a browser opens a window, or the table an event
);
document.addEventListener("keydown", (event) => {
  const value = document.activeElement?.closest("a.v");
  if (!value || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  showPick(value);
  const chosen = { "-": leaveOut, c: copyValue, a: about.hidden ? null : about }[event.key];
  if (chosen) {
    event.preventDefault();
    chosen.click();
  }
});
