/**
 * A tiny relying party: an application that lets people sign in with an OpenID Connect provider. It owns its
 * sessions and forms; `oidc.ts` owns the protocol. Run it with `node examples/relying-party/server.ts`.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { decode } from "./claims.ts";
import { explain, LoginError, Provider } from "./oidc.ts";
import { errorPage, scopes, signedInPage, welcomePage } from "./pages.ts";
import { newSession, renamed, type Session, Sessions, withPending } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";

const cookieName = "example_app";
const style = readFileSync(new URL("./style.css", import.meta.url));

/** What an action answers: where to go next, and the session from now on (undefined ends it). */
interface Next {
  readonly to: string;
  readonly session: Session | undefined;
}

type Action = (provider: Provider, session: Session, form: URLSearchParams) => Promise<Next>;

const signedInOf = (session: Session): NonNullable<Session["signedIn"]> => {
  if (session.signedIn === undefined) throw new LoginError("You are not signed in.");
  return session.signedIn;
};

/** One action per form. They change things, so they are POST and carry the form token. */
const actions: Readonly<Record<string, Action>> = {
  "/login": async (provider, session, form) => {
    const asked = form.getAll("scope").filter((name) => scopes.some((scope) => scope.name === name));
    const { to, pending } = await provider.begin(["openid", ...asked]);
    return { to: to.href, session: withPending(session, pending) };
  },
  "/refresh": async (provider, session) => {
    const before = signedInOf(session);
    const tokens = await provider.refresh(before.tokens);
    return { to: "/", session: { ...session, signedIn: { tokens, previousIdToken: before.tokens.idToken } } };
  },
  "/userinfo": async (provider, session) => {
    const { tokens } = signedInOf(session);
    const { sub } = decode(tokens.idToken)?.claims ?? {};
    const userinfo = await provider.userinfo(tokens, typeof sub === "string" ? sub : "");
    return { to: "/", session: { ...session, signedIn: { tokens, userinfo } } };
  },
  "/logout": async (provider, session) => {
    const { signedIn } = session;
    // Ours ends whatever the provider says: a person who asked to leave must not stay because it is away.
    const to = signedIn && (await provider.logoutUrl(signedIn.tokens).catch(() => undefined));
    return { to: to?.href ?? "/", session: undefined };
  },
};

/** The browser is back with a code or a refusal. The state must be one that this very browser took along. */
async function callback(provider: Provider, session: Session, url: URL): Promise<Next> {
  const pending = session.pending.get(url.searchParams.get("state") ?? "");
  if (pending === undefined)
    throw new LoginError("This answer belongs to no login of this browser. Please sign in again.");
  const rest = new Map([...session.pending].filter(([state]) => state !== pending.state));
  const tokens = await provider.finish(url, pending);
  const { problem: _, ...kept } = session;
  return { to: "/", session: renamed({ ...kept, pending: rest, signedIn: { tokens } }) };
}

function cookieOf(request: IncomingMessage): string | undefined {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([name]) => name === cookieName)?.[1];
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, {
    "Content-Type": type,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(body);
}

class App {
  readonly #settings: Settings;
  readonly #provider: Provider;
  readonly #origin: string;
  readonly #sessions = new Sessions();

  constructor(settings: Settings, origin: string) {
    this.#settings = settings;
    this.#origin = origin;
    this.#provider = new Provider(settings, origin);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.#origin);
    const session = this.#sessions.get(cookieOf(request)) ?? newSession();
    const action = actions[url.pathname];
    if (action !== undefined && request.method === "POST") {
      const form = new URLSearchParams(await text(request));
      if (form.get("form_token") !== session.formToken) {
        const detail = "The form is too old, or it came from somewhere else. Go back and try again.";
        return send(response, 403, "text/html; charset=utf-8", errorPage("This form is not ours", detail));
      }
      return this.#follow(response, session, action(this.#provider, session, form));
    }
    if (request.method !== "GET") return send(response, 405, "text/plain", "Method not allowed\n");
    if (url.pathname === "/style.css") return send(response, 200, "text/css; charset=utf-8", style);
    if (url.pathname === "/callback") return this.#follow(response, session, callback(this.#provider, session, url));
    if (url.pathname === "/") return this.#home(response, session);
    return send(response, 404, "text/html; charset=utf-8", errorPage("There is no such page", url.pathname));
  }

  /** Every POST and every callback ends in a redirect, so that reloading the page repeats nothing. */
  async #follow(response: ServerResponse, before: Session, work: Promise<Next>): Promise<void> {
    const next = await work.catch(
      (error: unknown): Next => ({ to: "/", session: { ...before, problem: explain(error) } }),
    );
    if (next.session?.id !== before.id) this.#sessions.drop(before.id);
    if (next.session !== undefined) this.#remember(response, next.session);
    response.writeHead(303, { Location: next.to, "Cache-Control": "no-store" }).end();
  }

  #home(response: ServerResponse, session: Session): void {
    const { problem: _, ...shown } = session;
    this.#remember(response, shown);
    const { signedIn } = session;
    const page = signedIn ? signedInPage(session, signedIn, Date.now() / 1000) : welcomePage(session, this.#settings);
    send(response, 200, "text/html; charset=utf-8", page);
  }

  /** Lax, not Strict: the browser comes back from the provider by a link and must bring the cookie. */
  #remember(response: ServerResponse, session: Session): void {
    this.#sessions.put(session);
    const secure = this.#origin.startsWith("https:") ? "; Secure" : "";
    response.setHeader("Set-Cookie", `${cookieName}=${session.id}; Path=/; HttpOnly; SameSite=Lax${secure}`);
  }
}

/** Starts listening and prints the address; with port 0 the system chooses one. */
function start(settings: Settings): void {
  const { hostname, port, protocol } = settings.listen;
  let app: App | undefined;
  const server = createServer((request, response) => {
    app?.handle(request, response).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) send(response, 500, "text/html; charset=utf-8", errorPage("That broke", "Our fault."));
    });
  });
  server.on("error", (error: NodeJS.ErrnoException) => {
    const isTaken = error.code === "EADDRINUSE";
    console.error(
      isTaken ? `${settings.listen.origin} is taken: stop what runs there, or give --listen` : error.message,
    );
    process.exit(1);
  });
  server.listen(Number(port === "" ? 80 : port), hostname, () => {
    const address = server.address();
    const actual = typeof address === "object" && address !== null ? address.port : port;
    const origin = `${protocol}//${hostname}:${actual}`;
    app = new App(settings, origin);
    console.log(`example app: ${origin}`);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
}

start(readSettings(process.argv.slice(2), process.env));
