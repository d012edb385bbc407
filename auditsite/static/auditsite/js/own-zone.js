/* Offers the browser's own time zone to those who never chose one. */
const own = document.querySelector("[data-own-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (own && zone?.includes("/") && !zone.startsWith("Etc/")) {
  own.value = zone;
  own.textContent = own.dataset.ownZone.replace("{zone}", zone);
  own.hidden = false;
}
