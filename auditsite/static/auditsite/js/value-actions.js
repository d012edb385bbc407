/* A value in the table is a link that narrows the filter to it. Beside it appear the ways to leave it out, to copy it and
   to all that is known of it; from the keyboard they are -, c and a. */
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

const showPick = (value) => {
  picked = value;
  const url = new URL(value.href);
  const name = [...url.searchParams.keys()].pop();
  const text = url.searchParams.get(name);
  about.hidden = !(name in kinds);
  about.href = words.aboutUrl.replace("KIND", kinds[name]).replace("VALUE", encodeURIComponent(text));
  const others = JSON.parse(document.getElementById("events").dataset.exclusions ?? "{}")[name];
  url.searchParams.set(name, others ? `${others},-${text}` : `-${text}`);
  leaveOut.href = url;
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
    const url = new URL(picked.href);
    await navigator.clipboard?.writeText([...url.searchParams.values()].pop());
    copyValue.textContent = words.copied;
    setTimeout(() => (copyValue.textContent = words.copyWord), 1200);
  }
});
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
