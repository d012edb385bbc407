"use strict";
/* Where a browser gives no passkey, the page says why. */
document.addEventListener("allauth.error", (event) => {
  const problem = document.getElementById("passkey-problem");
  const kinds = { NotAllowedError: "cancelled", AbortError: "cancelled", SecurityError: "place", InvalidStateError: "known" };
  const name = event.detail.exception && event.detail.exception.name;
  const kind = kinds[name] || (window.isSecureContext ? "other" : "place");
  problem.textContent = problem.dataset[kind];
  problem.hidden = false;
  event.preventDefault();
});

/* Without scripts there is no button that does nothing. */
for (const button of document.querySelectorAll("#passkey-login")) {
  button.hidden = false;
}
