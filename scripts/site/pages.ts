import { globSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { type Page, renderPage } from "./render-page.ts";

export const root = join(import.meta.dirname, "../..");

export interface Documentation {
  readonly pages: readonly Page[];
  /** Files of the repository that pages lead to; the site holds them as they are. */
  readonly attachments: ReadonlySet<string>;
}

/** Where the page of a Markdown file lies. docs/ has the first page, so the repository's own README gets a name. */
function pagePath(source: string): string {
  if (source === "README.md") return "install.html";
  return source
    .replace(/^docs\//, "")
    .replace(/(^|\/)README\.md$/, "$1index.html")
    .replace(/\.md$/, ".html");
}

/** Where any other file lies. */
export const attachmentPath = (file: string): string => file.replace(/^docs\//, "");

const isFile = (path: string): boolean => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true;

/** Every Markdown file that operators and contributors read, as pages. */
export function readDocumentation(): Documentation {
  const attachments = new Set<string>();
  /** A link of the repository as the site has it. One that leads nowhere stays so, for the test to find. */
  const linkFrom = (source: string, href: string): string | undefined => {
    if (/^[a-z]+:|^#/i.test(href)) return href;
    const [path = "", fragment] = href.split("#");
    const target = posix.normalize(posix.join(posix.dirname(source), decodeURI(path)));
    // A folder of the source has no page.
    if (statSync(join(root, target), { throwIfNoEntry: false })?.isDirectory() === true) return undefined;
    const isPage = target.endsWith(".md");
    if (!isPage && isFile(target)) attachments.add(target);
    const place = isPage ? pagePath(target) : attachmentPath(target);
    const link = posix.relative(posix.dirname(pagePath(source)), place) || posix.basename(place);
    return encodeURI(link) + (fragment === undefined ? "" : `#${fragment}`);
  };
  const sources = ["README.md", "CHANGELOG.md", ...globSync("docs/**/*.md", { cwd: root })].sort();
  const pages = sources.map((source) =>
    renderPage(pagePath(source), readFileSync(join(root, source), "utf8"), (href) => linkFrom(source, href)),
  );
  return { pages, attachments };
}
