/* Offers the browser's own time zone: on a button to those who never chose one, and first among all the others. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone?.includes("/") && !zone.startsWith("Etc/")) {
  for (const offer of document.querySelectorAll("[data-own-zone]")) {
    const text = offer.dataset.ownZone.replace("{zone}", zone);
    if (offer.matches("select")) {
      offer.options[0].after(new Option(text, zone));
    } else {
      offer.value = zone;
      offer.textContent = text;
      offer.hidden = false;
    }
  }
}
