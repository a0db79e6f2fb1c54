"use strict";
// Compares the releases that the reader chooses; the address of the page keeps the choice.
const data = JSON.parse(document.getElementById("data").textContent);
const [from, to] = ["from", "to"].map(id => document.getElementById(id));
const WORDS = { f: "fails", w: "fails, without effect on the result", o: "could not be judged", h: "holds", n: "does not apply", a: "was not asked" };
const CLASSES = { f: "failed", w: "waived", o: "inconclusive", h: "passed", n: "not_applicable", a: "not_tested" };
const title = run => `${run.product} ${run.version} (${run.dialect})`;
const made = (name, text, kind) => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  if (kind) node.className = kind;
  return node;
};
const options = runs => runs.map(run => {
  const option = made("option", title(run));
  option.value = run.slug;
  return option;
});
const chosen = select => data.runs.find(run => run.slug === select.value);
const linked = (run, requirement) => {
  const link = made("a", WORDS[requirement.state]);
  link.href = `${run.page}#${requirement.anchor}`;
  link.className = CLASSES[requirement.state];
  return link;
};
const PARTS = [
  ["You lose", "holds there, and fails here", (a, b) => a === "h" && (b === "f" || b === "w")],
  ["Not known", "holds there, and was not judged here", (a, b) => a === "h" && (b === "o" || b === "a")],
  ["You gain", "fails there, and holds here", (a, b) => (a === "f" || a === "w") && b === "h"],
  ["Both fail", "fails there and here", (a, b) => (a === "f" || a === "w") && (b === "f" || b === "w")],
  ["Fails there, not judged here", "", (a, b) => (a === "f" || a === "w") && (b === "o" || b === "a")],
];
const part = (name, about, rows, a, b) => {
  const section = made("section", "", "part");
  const heading = made("h2", `${name} `);
  heading.append(made("span", String(rows.length), "count"));
  section.append(heading);
  if (about) section.append(made("p", `What ${about}.`.replace("there", `in ${a.product}`).replace("here", `in ${b.product}`), "lead"));
  if (!rows.length) section.append(made("p", "Nothing.", "soft"));
  const list = made("ul", "", "lost");
  for (const row of rows) {
    const item = made("li");
    const head = made("p");
    head.append(made("code", row.name), " ", made("span", row.level, "level"));
    const both = made("p", "", "small");
    both.append(`${a.product}: `, linked(a, { ...row, state: row.a }), ` · ${b.product}: `, linked(b, { ...row, state: row.b }));
    item.append(head, made("p", row.statement), both);
    if (row.url.startsWith("https://")) {
      const source = made("a", row.source);
      source.href = row.url;
      source.rel = "noreferrer noopener";
      const line = made("p", "", "sources");
      line.append(source);
      item.append(line);
    }
    list.append(item);
  }
  section.append(list);
  return section;
};
const show = () => {
  const [a, b] = [chosen(from), chosen(to)];
  const rows = data.dialects[a.dialect].requirements.map(([name, family, statement, level, source, url, anchor], index) => (
    { name, family, statement, level, source, url, anchor, a: a.states[index], b: b.states[index] }));
  const parts = PARTS.map(([name, about, fits]) => [name, about, rows.filter(row => fits(row.a, row.b))]);
  const [lose, unknown, gain] = parts.map(found => found[2].length);
  document.getElementById("sentence").textContent =
    `From ${title(a)} to ${title(b)}: you lose ${lose}, gain ${gain}, and of ${unknown} it is not known.`;
  const cautions = [];
  if (a.about !== b.about) cautions.push(`The runs differ. ${a.product}: ${a.about}. ${b.product}: ${b.about}.`);
  if (a.specs !== b.specs) cautions.push("The runs were judged by different specs; requirements with the same id may differ in content.");
  for (const run of [a, b]) if (run.flags.length) cautions.push(`${title(run)}: ${run.flags.join(", ")}.`);
  document.getElementById("cautions").replaceChildren(...cautions.map(text => made("p", text, "warning")));
  document.getElementById("answer").replaceChildren(...parts.map(([name, about, found]) => part(name, about, found, a, b)));
  history.replaceState(null, "", `#${a.slug}..${b.slug}`);
};
const offer = wanted => {
  const dialect = chosen(from).dialect;
  const fitting = data.runs.filter(run => run.dialect === dialect);
  to.replaceChildren(...options(fitting));
  const other = fitting.filter(run => run.product !== chosen(from).product).at(-1) ?? fitting.at(-1);
  to.value = (fitting.find(run => run.slug === wanted) ?? other).slug;
};
if (data.runs.length) {
  from.replaceChildren(...options(data.runs));
  const start = () => {
    const [a, b] = decodeURIComponent(location.hash.slice(1)).split("..");
    if (data.runs.some(run => run.slug === a)) from.value = a;
    offer(b);
    show();
  };
  from.addEventListener("change", () => { offer(to.value); show(); });
  to.addEventListener("change", show);
  document.getElementById("swap").addEventListener("click", () => {
    const [a, b] = [from.value, to.value];
    from.value = b;
    offer(a);
    show();
  });
  addEventListener("hashchange", start);
  start();
  document.querySelector("form.choose").hidden = false;
}
