import { BadAnswerError } from "../../kernel/errors.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page is; relative to this one's address. Undefined: this was the last. */
  readonly next: string | undefined;
}

/**
 * All items of a listing, page after page. An upstream must not lead us elsewhere with the credential that `ask` sends:
 * every page is of the first one's origin. @throws {BadAnswerError} It is not, it came before, or there is no end to it.
 */
export async function paginate<T>(
  first: URL,
  ask: (page: URL) => Promise<Page<T>>,
  { maxPages = 200 }: { readonly maxPages?: number } = {},
): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  for (let at = first; ; ) {
    if (seen.has(at.href)) throw new BadAnswerError("the pages of a listing lead back to an earlier one");
    if (seen.size === maxPages) throw new BadAnswerError(`a listing has more than ${maxPages} pages`);
    seen.add(at.href);
    const page = await ask(at);
    items.push(...page.items);
    if (page.next === undefined || page.next === "") return items;
    const next = URL.parse(page.next, at.href);
    if (next?.origin !== first.origin) throw new BadAnswerError("a listing goes on at another host");
    at = next;
  }
}

/** The address of `rel="next"` in a `Link` header. RFC 8288 §3. */
export function nextLink(response: Response): string | undefined {
  for (const [, target, params] of (response.headers.get("link") ?? "").matchAll(
    /<([^>]*)>((?:\s*;\s*[^,;"]+(?:"[^"]*")?)*)/g,
  )) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\s*(?:;|$))/i.test(params ?? "")) return target;
  }
  return undefined;
}
