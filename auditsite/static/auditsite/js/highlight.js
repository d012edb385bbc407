/* Marks what was searched for where it is seen, without touching the page: what is not visible is in the event. */
const mark = () => {
  const asked = JSON.parse(document.getElementById("events")?.dataset.words || "[]").map((word) => word.toLowerCase());
  if (!asked.length || !CSS.highlights) {
    return;
  }
  const ranges = [];
  for (const part of document.querySelectorAll("#events tbody, #beside")) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < 2000) {
      const words = walker.currentNode.data.toLowerCase();
      // Where small letters are longer than capitals, places would be wrong.
      if (words.length === walker.currentNode.data.length) {
        for (const word of asked) {
          for (let at = words.indexOf(word); at >= 0; at = words.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
};
mark();
document.addEventListener("shown", mark);
