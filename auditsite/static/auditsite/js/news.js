/* New events are told above the table, and move nothing. */
const news = document.getElementById("news");
const title = document.title;

if (news) {
  setInterval(() => {
    if (!document.hidden) {
      htmx.trigger(news, "look");
    }
  }, 20_000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      htmx.trigger(news, "look");
    }
  });
  news.addEventListener("htmx:afterSwap", () => {
    document.title = `${news.textContent.match(/\d+/)?.[0] ?? ""} + ${title}`.replace(" + ", " • ");
  });
}

// Whoever never chose a zone is offered the browser's own.
const own = document.querySelector("[data-own-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (own && zone?.includes("/") && !zone.startsWith("Etc/")) {
  own.value = zone;
  own.textContent = own.dataset.ownZone.replace("{zone}", zone);
  own.hidden = false;
}

// A search that found nothing yet goes on by itself; the way back leads to before it, not through its steps.
const further = document.querySelector("[data-go-on]");
if (further) {
  setTimeout(() => location.replace(further.href), 50);
}
