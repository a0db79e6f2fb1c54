"use strict";
// The page is complete without this script, which adds copy buttons and filters.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const line = document.getElementById(button.dataset.copy);
    let done = false;
    try {
      await navigator.clipboard.writeText(line.dataset.raw ?? line.textContent);
      done = true;
    } catch {
      // Browsers may deny the clipboard to local files: select the line instead.
      getSelection().selectAllChildren(line);
    }
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });
}
for (const form of document.querySelectorAll("fieldset.filters")) {
  const part = form.closest(".part");
  const buttons = [...form.querySelectorAll("button")];
  const text = form.querySelector("input");
  const said = form.querySelector("output");
  let wanted = "all";
  const apply = () => {
    const word = text.value.trim().toLowerCase();
    let shown = 0;
    for (const group of part.querySelectorAll(".group")) {
      let any = false;
      for (const row of group.querySelectorAll(".row")) {
        const fits = (wanted === "all" || row.dataset.verdict === wanted) && row.textContent.toLowerCase().includes(word);
        row.hidden = !fits;
        any = any || fits;
        shown += fits;
      }
      group.hidden = !any;
    }
    said.textContent = `${shown} shown`;
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      wanted = button.value;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      apply();
    });
  }
  text.addEventListener("input", apply);
  form.hidden = false;
}
// A link to a row opens it.
const open = () => {
  const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (row instanceof HTMLDetailsElement) row.open = true;
};
addEventListener("hashchange", open);
open();
