/**
 * `make site`: docs/ as a website in site/, to be read from any web server or from the disk. Nothing is loaded from
 * elsewhere, every link is relative, and only the search needs JavaScript. A new Markdown file is a new page.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { layout, type MenuGroup } from "./layout.ts";
import { attachmentPath, readDocumentation, root } from "./pages.ts";
import type { Page } from "./render-page.ts";

/** The menu: groups by folder, each in the order of its titles; decisions by their number. */
function menuOf(pages: readonly Page[]): readonly MenuGroup[] {
  const below = (pattern: RegExp): readonly Page[] =>
    pages
      .filter(({ path }) => pattern.test(path))
      .toSorted((a, b) => a.title.localeCompare(b.title, "en", { numeric: true }));
  return [
    { name: "Start", pages: below(/^[^/]+\.html$/) },
    { name: "Guides", pages: below(/^guide\//) },
    { name: "Reference", pages: below(/^reference\//) },
    { name: "Decisions", pages: below(/^adr\//) },
  ];
}

/** What the search reads: a script, because a page from the disk may not fetch. */
const searchIndex = (pages: readonly Page[]): string => {
  const entries = pages.flatMap(({ path, title, texts }) =>
    texts.map(({ id, title: section, text }) => [path, id, title, section, text]),
  );
  return `window.searchIndex = ${JSON.stringify(entries).replace(/[\u2028\u2029<]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)};\n`;
};

/** Writes the site; what was in `folder` is gone. */
export function writeSite(folder: string): readonly Page[] {
  rmSync(folder, { recursive: true, force: true });
  const { pages, attachments } = readDocumentation();
  const menu = menuOf(pages);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const page of pages) write(page.path, layout(page, menu));
  for (const file of attachments) cpSync(join(root, file), join(folder, attachmentPath(file)), { recursive: true });
  for (const asset of ["style.css", "search.js"]) cpSync(join(import.meta.dirname, asset), join(folder, asset));
  write("search-index.js", searchIndex(pages));
  return pages;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "site") } } });
  const pages = writeSite(resolve(values.out));
  console.log(`${pages.length} pages in ${values.out}`);
}
