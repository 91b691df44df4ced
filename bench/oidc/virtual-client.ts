import { Browser, type Landing } from "../http/browser.ts";
import { Connection } from "../http/connection.ts";
import type { Login } from "../system/contract.ts";
import { client, type RelyingParty, type Tokens } from "./relying-party.ts";

const isCallback = (url: string): boolean => url.startsWith(client.redirectUri);

/**
 * One person with one application: a socket, and for each login a browser that has no cookies yet.
 * Every method throws when an answer is not what the flow promises.
 */
export class VirtualClient {
  readonly #rp: RelyingParty;
  readonly #login: Login;
  readonly #prepared: string;
  readonly #connection: Connection;
  #subject: string | undefined;
  /** The browser of the newest {@link logIn}, with its cookies. */
  #browser: Browser | undefined;
  #refreshToken: string | undefined;

  constructor(rp: RelyingParty, login: Login, deadlineMs: number) {
    this.#rp = rp;
    this.#login = login;
    this.#prepared = rp.prepare(login.parameters);
    this.#connection = new Connection(rp.target.endpoint, deadlineMs);
  }

  /** The whole authorization code flow with PKCE, from the first request of a new browser to the tokens. */
  async logIn(): Promise<Tokens> {
    const started = this.#rp.start(this.#prepared);
    const browser = new Browser(this.#connection, this.#rp.target.origin);
    let landing = await browser.open(started.path, isCallback);
    const { credentials } = this.#login;
    if (landing.at === "page" && credentials !== undefined) {
      if (landing.response.status !== 200) throw unexpected(landing);
      landing = await browser.logIn(landing, credentials.login, credentials.password, isCallback);
    }
    if (landing.at === "page") throw unexpected(landing);
    if (!isCallback(landing.url)) throw new Error(`the flow left for ${landing.url}`);
    const tokens = this.#known(await this.#rp.redeem(this.#connection, landing.url, started));
    this.#refreshToken = tokens.refreshToken;
    this.#browser = browser;
    return tokens;
  }

  /** The same flow in the browser of the last {@link logIn}: its session answers, and nobody is asked. */
  async logInAgain(): Promise<Tokens> {
    if (this.#browser === undefined) throw new Error("nobody has logged in yet");
    const started = this.#rp.start(this.#prepared);
    const landing = await this.#browser.open(started.path, isCallback);
    if (landing.at === "page") throw unexpected(landing);
    return this.#known(await this.#rp.redeem(this.#connection, landing.url, started));
  }

  /** Redeems the newest refresh token. Needs a {@link logIn} that brought one. */
  async refresh(): Promise<Tokens> {
    if (this.#refreshToken === undefined) throw new Error("login brought no refresh token");
    const tokens = this.#known(await this.#rp.refresh(this.#connection, this.#refreshToken));
    this.#refreshToken = tokens.refreshToken;
    return tokens;
  }

  /** What a stranger can make the server do: open a login and go as far as the first page. */
  async visit(isLogin: (url: string) => boolean): Promise<void> {
    const started = this.#rp.start(this.#prepared);
    const browser = new Browser(this.#connection, this.#rp.target.origin);
    const landing = await browser.open(started.path, (url) => isCallback(url) || isLogin(url));
    if (landing.at === "elsewhere" ? isCallback(landing.url) : landing.response.status !== 200)
      throw new Error("a visitor did not end at a login page");
  }

  /** One access token for the application itself. */
  earn(): Promise<string> {
    return this.#rp.clientCredentials(this.#connection);
  }

  /** Asks whether `token` counts. */
  introspect(token: string): Promise<void> {
    return this.#rp.introspect(this.#connection, token);
  }

  /** One plain GET; the body must be the same every time. */
  async read(path: string, expected: string): Promise<void> {
    const { status, body } = await this.#connection.send(
      `GET ${path} HTTP/1.1\r\nHost: ${this.#rp.target.origin.slice("http://".length)}\r\n\r\n`,
    );
    if (status !== 200 || body !== expected) throw new Error(`${path}: ${status}, or another body`);
  }

  close(): void {
    this.#connection.close();
  }

  #known<T extends Tokens>(tokens: T): T {
    this.#subject ??= tokens.subject;
    if (tokens.subject !== this.#subject) throw new Error(`sub changed from ${this.#subject} to ${tokens.subject}`);
    return tokens;
  }
}

function unexpected(landing: Landing & { readonly at: "page" }): Error {
  const text = landing.response.body.replaceAll(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  return new Error(`${landing.response.status} page at ${landing.path.split("?")[0]}: ${text.slice(0, 160)}`);
}
