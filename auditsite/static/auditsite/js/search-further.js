/* A search that has not found anything yet continues by itself; Back skips its steps. */
const further = document.querySelector("[data-go-on]");
if (further) {
  setTimeout(() => location.replace(further.href), 50);
}
