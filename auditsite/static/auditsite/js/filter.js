/* The filter form. */
// A day and its time are two fields and one parameter.
// Leave empty fields out of the address: the URL is the query, and it is shared.
document.getElementById("filter")?.addEventListener("formdata", (event) => {
  for (const end of ["from", "to"]) {
    const day = event.formData.get(`date_${end}`);
    const time = event.formData.get(`time_${end}`);
    if (day && time) {
      event.formData.set(`date_${end}`, `${day}T${time}`);
      event.formData.delete(`time_${end}`);
    }
  }
  for (const [name, value] of [...event.formData.entries()]) {
    if (value === "" || (name === "size" && value === "50")) {
      event.formData.delete(name);
    }
  }
});

// A period and dates exclude each other: choosing one lets go of the other. A period that is clicked is applied at once;
// from the keyboard arrows only pass over it, and Enter applies it.
const filter = document.getElementById("filter");
let byPointer = false;
filter?.addEventListener("pointerup", () => (byPointer = true));
filter?.addEventListener("keydown", () => (byPointer = false));
filter?.addEventListener("change", (event) => {
  const dates = filter.querySelectorAll(".range input");
  if (event.target.name === "period") {
    for (const field of dates) {
      field.value = "";
    }
    if (byPointer) {
      filter.requestSubmit();
    }
  } else if ([...dates].includes(event.target)) {
    filter.querySelector("[name=period][value='']").checked = true;
  }
});
