import { posix } from "node:path";
import { escapeHtml, type Page } from "./render-page.ts";

export interface MenuGroup {
  readonly name: string;
  readonly pages: readonly Page[];
}

/** The whole page: readable without the script, which only brings the search. */
export function layout(page: Page, menu: readonly MenuGroup[]): string {
  const here = posix.dirname(page.path);
  const to = (path: string): string => escapeHtml(posix.relative(here, path) || posix.basename(path));
  const base = escapeHtml(posix.relative(here, ".") || ".");
  const isHome = page.path === "index.html";
  return `<!doctype html>
<html lang="en" data-base="${base}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(isHome ? "Dex in TypeScript" : `${page.title} · Dex in TypeScript`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to("style.css")}">
<script src="${to("search-index.js")}" defer></script>
<script src="${to("search.js")}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<a class="home" href="${to("index.html")}">Dex in TypeScript</a>
<form id="search" role="search" hidden>
<label for="query">Search</label>
<input id="query" type="search" autocomplete="off" spellcheck="false" placeholder="/" aria-controls="results">
<ol id="results" aria-live="polite" hidden></ol>
</form>
</header>
<div class="columns">
<nav aria-label="Pages">
<details>
<summary>All pages</summary>
${menu.map((group) => menuGroup(group, page, to)).join("\n")}
</details>
</nav>
<main id="content" tabindex="-1">
${page.html}
</main>
${contents(page)}
</div>
</body>
</html>
`;
}

const menuGroup = (
  { name, pages }: MenuGroup,
  current: Page,
  to: (path: string) => string,
): string => `<h2>${escapeHtml(name)}</h2>
<ul>
${pages
  .map(({ path, title }) => {
    const mark = path === current.path ? ' aria-current="page"' : "";
    return `<li><a href="${to(path)}"${mark}>${escapeHtml(title)}</a></li>`;
  })
  .join("\n")}
</ul>`;

/** The sections of the page, where there is more than one. */
function contents({ headings }: Page): string {
  const sections = headings.filter(({ depth }) => depth === 2);
  if (sections.length < 2) return "";
  const items = sections.map(({ id, text }) => `<li><a href="#${escapeHtml(id)}">${escapeHtml(text)}</a></li>`);
  return `<nav class="contents" aria-label="On this page">
<h2>On this page</h2>
<ul>
${items.join("\n")}
</ul>
</nav>`;
}
