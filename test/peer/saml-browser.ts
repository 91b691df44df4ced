import type { Departure } from "../../src/connector/contract.ts";

/** A page of the identity provider with a form in it. */
export interface FormPage {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

const unescaped = (text: string): string =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&#0?39;|&apos;/g, "'")
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");

/** A browser at an identity provider: cookies, redirects, and one form at a time. */
export class SamlBrowser {
  readonly #cookies = new Map<string, string>();

  /** Goes where a connector sends the browser. */
  depart(departure: Departure): Promise<FormPage> {
    return departure.kind === "post" ? this.ask(departure.to.href, departure.fields) : this.ask(departure.to.href);
  }

  /** Fills the login form that `page` is; what comes is the form with the SAML message. */
  signIn(page: FormPage, username: string, password: string): Promise<FormPage> {
    return this.ask(page.action, { ...page.fields, username, password });
  }

  /** Follows redirects as far as `stopAt`, and reads the form of the page they end at. */
  async ask(address: string, form?: Readonly<Record<string, string>>, stopAt?: string): Promise<FormPage> {
    let url = address;
    let body = form;
    for (let hops = 0; hops < 10; hops++) {
      if (stopAt !== undefined && url.startsWith(stopAt)) return { action: url, fields: {} };
      const response = await fetch(url, {
        redirect: "manual",
        method: body === undefined ? "GET" : "POST",
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        ...(body === undefined ? {} : { body: new URLSearchParams(body) }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        this.#cookies.set(name, value);
      }
      const location = response.headers.get("location");
      const html = await response.text();
      if (location === null) return formOf(html, url);
      url = new URL(location, url).href;
      body = undefined;
    }
    throw new Error(`redirects without end at ${url}`);
  }
}

function formOf(html: string, url: string): FormPage {
  const action = /<form[^>]*action="([^"]*)"/.exec(html)?.[1] ?? "";
  const fields: Record<string, string> = {};
  for (const [tag] of html.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1];
    if (name !== undefined) fields[unescaped(name)] = unescaped(/value="([^"]*)"/.exec(tag)?.[1] ?? "");
  }
  if (Object.keys(fields).length === 0)
    throw new Error(`no form at ${url}: ${html.replace(/<[^>]*>|\s+/g, " ").slice(0, 800)}`);
  return { action: new URL(unescaped(action), url).href, fields };
}
