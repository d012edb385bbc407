/* A page that the browser kept whole for Back may be of a session that has ended: hidden at once, and asked for anew. */
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.documentElement.hidden = true;
    location.reload();
  }
});
