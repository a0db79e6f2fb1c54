"use strict";
// The page is complete without this script, which adds the search.
const form = document.querySelector("form.search");
const entries = JSON.parse(document.getElementById("data").textContent);
const MOST = 40;
const input = form.querySelector("input");
const list = form.querySelector(".found");
const said = form.querySelector("output");
const texts = entries.map(([kind, title, text]) => `${kind} ${title} ${text}`.toLowerCase());
const search = () => {
  const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? entries.filter((_, index) => words.every(word => texts[index].includes(word))) : [];
  list.replaceChildren(...found.slice(0, MOST).map(([kind, title, text, address]) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = address;
    link.textContent = title;
    const about = document.createElement("span");
    about.className = "soft small";
    about.textContent = ` ${kind} · ${text}`;
    item.append(link, about);
    return item;
  }));
  said.textContent = words.length ? (found.length > MOST ? `${found.length} found, ${MOST} shown` : `${found.length} found`) : "";
};
input.addEventListener("input", search);
form.addEventListener("submit", event => event.preventDefault());
form.hidden = false;
