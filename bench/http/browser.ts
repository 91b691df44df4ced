import type { Connection } from "./connection.ts";
import { CookieJar } from "./cookie-jar.ts";
import { type LoginForm, loginFormOf } from "./login-form.ts";
import type { HttpResponse } from "./response-parser.ts";

/** Where a navigation ended: on a page of this host, or on the way to another address. */
export type Landing =
  | { readonly at: "page"; readonly path: string; readonly response: HttpResponse }
  | { readonly at: "elsewhere"; readonly url: string };

/** A redirect chain longer than this is a loop: browsers stop at about 20. */
const maxHops = 20;

/**
 * One person's browser at one host: a cookie jar, redirects followed as far as the host goes, forms submitted
 * with every field the page put into them. Make a new one for somebody without cookies.
 */
export class Browser {
  readonly #connection: Connection;
  readonly #origin: string;
  readonly #head: string;
  readonly #jar = new CookieJar();
  /** Requests sent so far. */
  requests = 0;

  constructor(connection: Connection, origin: string) {
    this.#connection = connection;
    this.#origin = origin;
    this.#head = ` HTTP/1.1\r\nHost: ${origin.slice("http://".length)}\r\nAccept: text/html\r\n`;
  }

  /** Opens `target` (path and query). Stops before an address that `isElsewhere`, or that another host serves. */
  open(target: string, isElsewhere: (url: string) => boolean): Promise<Landing> {
    return this.#navigate("GET", target, "", isElsewhere);
  }

  /** Fills the login form of `page` and sends it. @throws If the page has no such form. */
  logIn(
    page: Landing & { readonly at: "page" },
    login: string,
    password: string,
    isElsewhere: (url: string) => boolean,
  ): Promise<Landing> {
    const form: LoginForm = loginFormOf(page.response.body);
    const fields = new URLSearchParams();
    for (const { name, value } of form.hidden) fields.append(name, value);
    fields.set("login", login);
    fields.set("password", password);
    const target = form.action === "" ? page.path : this.#resolve(form.action, page.path);
    return this.#navigate("POST", target, fields.toString(), isElsewhere);
  }

  async #navigate(
    method: "GET" | "POST",
    first: string,
    form: string,
    isElsewhere: (url: string) => boolean,
  ): Promise<Landing> {
    let target = first;
    let response = await this.#request(method, target, form);
    for (let hop = 0; hop < maxHops; hop++) {
      const { status, location } = response;
      if (status !== 302 && status !== 303) return { at: "page", path: target, response };
      if (location === undefined) throw new Error(`${status} for ${pathOf(target)} without Location`);
      if (isElsewhere(location)) return { at: "elsewhere", url: location };
      target = this.#resolve(location, target);
      if (!target.startsWith("/")) return { at: "elsewhere", url: target };
      response = await this.#request("GET", target, "");
    }
    throw new Error(`more than ${maxHops} redirects, the last to ${pathOf(target)}`);
  }

  async #request(method: "GET" | "POST", target: string, form: string): Promise<HttpResponse> {
    const path = pathOf(target);
    const cookies = this.#jar.header(path);
    const cookieLine = cookies === "" ? "" : `Cookie: ${cookies}\r\n`;
    const tail =
      method === "GET"
        ? "\r\n"
        : `Origin: ${this.#origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
    this.requests++;
    const response = await this.#connection.send(`${method} ${target}${this.#head}${cookieLine}${tail}`);
    for (const line of response.setCookies) this.#jar.store(line, path, performance.timeOrigin + performance.now());
    return response;
  }

  /** A `Location` or action as path and query on this host, or unchanged when it is on another. */
  #resolve(reference: string, base: string): string {
    // The two forms that servers send; the general rule costs ten times as much.
    if (reference.startsWith("/") && !reference.startsWith("//")) return reference;
    if (reference.startsWith(`${this.#origin}/`)) return reference.slice(this.#origin.length);
    const url = new URL(reference, this.#origin + base);
    return url.origin === this.#origin ? url.pathname + url.search : url.href;
  }
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}
