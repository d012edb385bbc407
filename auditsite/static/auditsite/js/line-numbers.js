/* Numbers beside the lines of a text, as messages name them. Without this the text is there all the same. */
for (const box of document.querySelectorAll(".numbered textarea")) {
  const numbers = document.createElement("div");
  numbers.className = "line-numbers";
  numbers.setAttribute("aria-hidden", "true");
  box.before(numbers);
  const wrong = new Set((box.dataset.lines || "").split(" ").map(Number));
  let shown = 0;

  const draw = () => {
    const count = box.value.split("\n").length;
    for (; shown < count; shown += 1) {
      const number = document.createElement("span");
      number.textContent = shown + 1;
      number.classList.toggle("wrong", wrong.has(shown + 1));
      numbers.append(number);
    }
    for (; shown > count; shown -= 1) {
      numbers.lastChild.remove();
    }
    follow();
  };
  const follow = () => {
    numbers.style.height = `${box.offsetHeight}px`;
    numbers.scrollTop = box.scrollTop;
  };

  box.addEventListener("input", draw);
  box.addEventListener("scroll", follow);
  new ResizeObserver(follow).observe(box);
  draw();

  // A message leads to its line.
  document.addEventListener("click", (event) => {
    const line = Number(event.target.closest?.("[data-line]")?.dataset.line);
    if (line) {
      event.preventDefault();
      const lines = box.value.split("\n");
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      box.focus();
      box.setSelectionRange(start, start + (lines[line - 1] || "").length);
      box.scrollTop = (box.scrollHeight / lines.length) * Math.max(0, line - 5);
    }
  });
}
