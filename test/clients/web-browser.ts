import { request } from "undici";
import { unescapeHtml } from "../spec/relying-party.ts";

export interface Page {
  readonly status: number;
  readonly body: string;
  readonly url: string;
}

interface Target {
  readonly url: string;
  readonly form?: Readonly<Record<string, string>>;
}

/** A browser among several hosts, with a cookie jar for each. It follows redirects, and forms that go on by themselves. */
export class WebBrowser {
  readonly #jars = new Map<string, Map<string, string>>();

  /** The page where `url` leads. @throws {Error} It leads nowhere. */
  async open(url: string): Promise<Page> {
    let target: Target = { url };
    for (let hop = 0; hop < 15; hop++) {
      const { status, location, body } = await this.#ask(target);
      const action = /<form id="continue-form" method="post" action="([^"]*)"/.exec(body)?.[1];
      if (location !== undefined) target = { url: new URL(location, target.url).href };
      else if (action !== undefined) target = { url: unescapeHtml(action), form: fieldsOf(body) };
      else if (isFragmentReader(body)) target = sendingFragment(target.url);
      else return { status, body, url: target.url };
    }
    throw new Error(`no end at ${target.url}`);
  }

  // Not `fetch`: it says of itself that it is a script, and what guards pages does not send scripts to a login.
  async #ask({ url, form }: Target): Promise<Answer> {
    const { host } = new URL(url);
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", ...(cookie === "" ? {} : { cookie }) };
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const answer =
      form === undefined
        ? await request(url, { headers })
        : await request(url, {
            method: "POST",
            headers: { ...headers, ...type },
            body: new URLSearchParams(form).toString(),
          });
    for (const line of [answer.headers["set-cookie"] ?? []].flat()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const { location } = answer.headers;
    return {
      status: answer.statusCode,
      location: typeof location === "string" ? location : undefined,
      body: await answer.body.text(),
    };
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** Whether the page has mod_auth_openidc's script, which posts the fragment to where it is. */
const isFragmentReader = (body: string): boolean => body.includes('name="response_mode" value="fragment"');

function sendingFragment(url: string): Target {
  const [address = "", fragment = ""] = url.split("#");
  return { url: address, form: { response_mode: "fragment", ...Object.fromEntries(new URLSearchParams(fragment)) } };
}

function fieldsOf(body: string): Readonly<Record<string, string>> {
  const fields = [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  return Object.fromEntries(fields.map(([, name = "", value = ""]) => [name, unescapeHtml(value)]));
}
