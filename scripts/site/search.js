// The search of the documentation. `/` goes to it, arrows go through what was found, Escape leaves.
const form = document.getElementById("search");
const query = document.getElementById("query");
const results = document.getElementById("results");
const base = document.documentElement.dataset.base;
const most = 12;

/** Every word must be there; in a title it counts more. */
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found = [];
  for (const [path, id, page, section, body] of window.searchIndex) {
    const [title, heading, content] = [page, section, body].map((part) => part.toLowerCase());
    let score = 0;
    for (const word of words) {
      const worth =
        (heading.includes(word) ? 8 : 0) + (title.includes(word) ? 4 : 0) + (content.includes(word) ? 1 : 0);
      if (worth === 0) {
        score = 0;
        break;
      }
      score += worth;
    }
    if (score > 0) found.push({ path, id, page, section, body, score, at: content.indexOf(words[0]) });
  }
  return found.sort((a, b) => b.score - a.score).slice(0, most);
}

function show() {
  results.replaceChildren();
  for (const { path, id, page, section, body, at } of find(query.value)) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${base}/${path}${id === "" ? "" : `#${id}`}`;
    const name = document.createElement("strong");
    name.textContent = section === page ? page : `${page}: ${section}`;
    const excerpt = document.createElement("span");
    excerpt.textContent = body.slice(Math.max(0, at - 40), Math.max(0, at) + 100);
    link.append(name, excerpt);
    item.append(link);
    results.append(item);
  }
  if (results.childElementCount === 0 && query.value.trim() !== "") {
    const item = document.createElement("li");
    item.textContent = "Nothing found.";
    results.append(item);
  }
  results.hidden = results.childElementCount === 0;
}

function move(step) {
  const stops = [query, ...results.querySelectorAll("a")];
  const at = stops.indexOf(document.activeElement);
  if (at >= 0) stops[(at + step + stops.length) % stops.length].focus();
}

form.hidden = false;
query.addEventListener("input", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  results.querySelector("a")?.click();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") {
    query.value = "";
    show();
    document.getElementById("content").focus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || document.activeElement === query) return;
  event.preventDefault();
  query.focus();
});
// The list of pages is open where there is room for it.
if (window.matchMedia("(min-width: 60rem)").matches) document.querySelector("nav details").open = true;
