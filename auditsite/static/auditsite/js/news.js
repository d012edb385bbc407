/* New events are announced above the table; nothing moves. */
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
