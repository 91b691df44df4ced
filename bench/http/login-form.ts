/** What a browser would send from the first form of a page that posts. */
export interface LoginForm {
  /** As written, unescaped; "" means the page's own address. */
  readonly action: string;
  readonly hidden: readonly { readonly name: string; readonly value: string }[];
}

const postForm = /<form\b([^>]*\bmethod="?post"?[^>]*)>([\s\S]*?)<\/form>/i;
const inputTag = /<input\b([^>]*)>/gi;

/** @throws If `html` has no form with fields `login` and `password`. */
export function loginFormOf(html: string): LoginForm {
  const match = postForm.exec(html);
  const inputs = [...(match?.[2] ?? "").matchAll(inputTag)].map(([, attributes = ""]) => attributes);
  const names = inputs.map((input) => attribute(input, "name"));
  if (match === null || !names.includes("login") || !names.includes("password"))
    throw new Error("the page has no login form");
  const hidden = inputs
    .filter((input) => attribute(input, "type") === "hidden")
    .map((input) => ({ name: attribute(input, "name") ?? "", value: attribute(input, "value") ?? "" }));
  return { action: attribute(match[1] ?? "", "action") ?? "", hidden };
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(tag);
  const raw = match?.[1] ?? match?.[2] ?? match?.[3];
  return raw === undefined ? undefined : unescapeHtml(raw);
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeHtml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return entities[name] ?? whole;
  });
}
