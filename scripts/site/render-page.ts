import { Marked, type Tokens } from "marked";

export interface Heading {
  readonly depth: number;
  readonly id: string;
  readonly text: string;
}

export interface Page {
  /** Below the site's folder: `guide/ldap.html`. */
  readonly path: string;
  readonly title: string;
  /** The body, as HTML. */
  readonly html: string;
  readonly headings: readonly Heading[];
  /** What each heading has below it, without markup: for the search. */
  readonly texts: readonly { readonly id: string; readonly title: string; readonly text: string }[];
  /** Where it leads, as written into the page. */
  readonly links: readonly { readonly href: string; readonly text: string }[];
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const plain = (html: string): string =>
  html
    .replace(/<[^>]*>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .trim();

/** The id that a heading has where Markdown is shown elsewhere, so that one link fits both. */
const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

/** `link` turns a link of the source into one of the site, or into none. */
export function renderPage(path: string, source: string, link: (href: string) => string | undefined): Page {
  const headings: Heading[] = [];
  const links: { href: string; text: string }[] = [];
  const taken = new Map<string, number>();
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading): string {
        const inner = this.parser.parseInline(tokens);
        const text = plain(inner);
        const slug = slugOf(text);
        const count = taken.get(slug) ?? 0;
        taken.set(slug, count + 1);
        const id = count === 0 ? slug : `${slug}-${count}`;
        headings.push({ depth, id, text });
        return `<h${depth} id="${escapeHtml(id)}">${inner} <a class="anchor" href="#${escapeHtml(id)}" aria-label="Link to this section">#</a></h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link): string {
        const inner = this.parser.parseInline(tokens);
        const target = link(href);
        if (target === undefined) return inner;
        links.push({ href: target, text: plain(inner) });
        return `<a href="${escapeHtml(target)}">${inner}</a>`;
      },
      code({ text, lang }: Tokens.Code): string {
        const kind = lang ? ` class="language-${escapeHtml(lang)}"` : "";
        return `<pre tabindex="0"><code${kind}>${escapeHtml(text)}</code></pre>\n`;
      },
    },
  });
  const body = marked.parse(source, { async: false });
  // A table may be wider than the page: it scrolls by itself, also with the keyboard.
  const html = body
    .replace(/<table>/g, '<div class="wide" tabindex="0"><table>')
    .replace(/<\/table>/g, "</table></div>");
  const title = headings.find(({ depth }) => depth === 1)?.text ?? path;
  return { path, title, html, headings, links, texts: textsOf(html, title) };
}

/** The page cut at its headings. */
const textsOf = (html: string, title: string): Page["texts"] =>
  html
    .split(/(?=<h[1-6] id=")/)
    .map((part) => {
      const [whole = "", id = "", heading = ""] =
        /^<h[1-6] id="([^"]*)">([\s\S]*?)<a class="anchor"[\s\S]*?<\/h[1-6]>/.exec(part) ?? [];
      return { id, title: plain(heading) || title, text: plain(part.slice(whole.length)) };
    })
    .filter(({ id, text }) => id !== "" || text !== "");
