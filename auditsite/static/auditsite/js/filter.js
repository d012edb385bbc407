/* The filter form. */
// Leave empty fields out of the address: the URL is the query, and it is shared.
document.getElementById("filter")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData.entries()]) {
    if (value === "" || (name === "size" && value === "50")) {
      event.formData.delete(name);
    }
  }
});

// A period and dates exclude each other: choosing one lets go of the other. A period is applied at once.
const filter = document.getElementById("filter");
filter?.addEventListener("change", (event) => {
  const dates = filter.querySelectorAll("[name=date_from], [name=date_to]");
  if (event.target.name === "period") {
    for (const field of dates) {
      field.value = "";
    }
    filter.requestSubmit();
  } else if ([...dates].includes(event.target)) {
    filter.querySelector("[name=period][value='']").checked = true;
  } else if (event.target.type === "checkbox") {
    const menu = event.target.closest("details");
    const count = menu.querySelectorAll(":checked").length;
    menu.querySelector("summary span").textContent = count ? words.chosen.replace("{count}", count) : words.all;
  }
});
