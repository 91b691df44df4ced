import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { httpProbe } from "./http-probe.ts";
import { parseJson } from "./json.ts";
import { complaintIn, mustSucceed, readValue } from "./read-json.ts";

/**
 * A token endpoint as its client. Servers disagree on where the client's secret goes: it is tried in the header first
 * and in the body next, and what worked is remembered. compat(dex): x/oauth2, which probes in the same order.
 */
export interface TokenClient {
  /** @throws {TokenRefusal} The server says no. @throws {UnavailableError} It cannot be asked. @throws {BadAnswerError} */
  exchangeCode(exchange: CodeExchange, signal: AbortSignal): Promise<Tokens>;
  /** Where the answer brings no new refresh token the old one stays. @throws As `exchangeCode`. */
  refresh(refreshToken: Secret, signal: AbortSignal): Promise<Tokens>;
  /** Posts to another endpoint of the server as the same client, and returns the body. RFC 7662 §2.1. @throws As `exchangeCode`. */
  ask(endpoint: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string>;
  /** @throws {UnavailableError} Nobody is at the endpoint. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface CodeExchange {
  readonly code: string;
  /** The one the authorization request had; undefined if it had none. */
  readonly redirectUri: string | undefined;
  /** RFC 7636 §4.5. */
  readonly verifier?: string;
}

/** A token answer. RFC 6749 §5.1. */
export interface Tokens {
  readonly accessToken: Secret;
  /** `Bearer` however the server writes it; else as it writes it. */
  readonly tokenType: string;
  readonly refreshToken?: Secret;
  readonly idToken?: Secret;
  /** Milliseconds since the epoch; absent when it does not expire. */
  readonly expiresAt?: number;
}

/** Who we are to the server. `first`: where the secret goes first. `assertion`: RFC 7523 §2.2. */
export type ClientAuthentication =
  | {
      readonly kind: "secret";
      readonly secret: Secret;
      readonly first?: "header" | "body";
      readonly isOnlyWay?: boolean;
    }
  | { readonly kind: "assertion"; readonly make: () => Promise<Secret> };

export interface TokenClientOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  readonly clock: Clock;
  /** In errors: "github". */
  readonly what: string;
}

/** The server said no, in its protocol's words. `code` is RFC 6749 §5.2's or its own. */
export class TokenRefusal extends BadAnswerError {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

type Way = "header" | "body" | "assertion";

export function createTokenClient(options: TokenClientOptions): TokenClient {
  const ways = waysOf(options.authentication);
  const probe = httpProbe(options.fetch);
  let working: Way | undefined;

  async function inEveryWay<T>(attempt: (way: Way) => Promise<T>): Promise<T> {
    let refusal: unknown;
    for (const way of working === undefined ? ways : [working]) {
      try {
        const answer = await attempt(way);
        working = way;
        return answer;
      } catch (error) {
        // Of the two refusals the first is told: it answers the way that most servers want.
        refusal ??= error;
        if (!isAboutClient(error)) break;
      }
    }
    throw refusal;
  }

  const ask = (form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Tokens> =>
    inEveryWay(async (way) => {
      const response = await post(way, options.tokenUrl, form, options, signal);
      return readTokens(response, options.clock.now(), options.what);
    });

  return {
    exchangeCode: ({ code, redirectUri, verifier }, signal) =>
      ask(
        {
          grant_type: "authorization_code",
          code,
          ...(redirectUri === undefined ? {} : { redirect_uri: redirectUri }),
          ...(verifier === undefined ? {} : { code_verifier: verifier }),
        },
        signal,
      ),
    async refresh(refreshToken, signal) {
      const tokens = await ask({ grant_type: "refresh_token", refresh_token: refreshToken.reveal() }, signal);
      return tokens.refreshToken === undefined ? { ...tokens, refreshToken } : tokens;
    },
    ask: (endpoint, form, signal) =>
      inEveryWay(async (way) => {
        const response = await post(way, endpoint, form, options, signal);
        if (response.status === 400 || response.status === 401)
          throw refusalOf(await response.text(), response, options.what);
        await mustSucceed(response, options.what);
        return response.text();
      }),
    probe: (signal) => probe(options.tokenUrl, signal),
  };
}

function waysOf(authentication: ClientAuthentication): readonly Way[] {
  if (authentication.kind === "assertion") return ["assertion"];
  const { first = "header", isOnlyWay = false, secret } = authentication;
  if (isOnlyWay) return [first];
  // A client without a secret has nothing to put into a header.
  return first === "body" || secret.reveal() === "" ? ["body", "header"] : ["header", "body"];
}

/**
 * Whether the refusal may be about how we said who we are. `invalid_grant` is not: the server knew us. Any other is taken
 * for it, since servers that miss the secret in its usual place answer with about every code there is.
 */
const isAboutClient = (error: unknown): boolean => error instanceof TokenRefusal && error.code !== "invalid_grant";

async function post(
  way: Way,
  endpoint: string,
  form: Readonly<Record<string, string>>,
  { fetch, clientId, authentication }: TokenClientOptions,
  signal: AbortSignal,
): Promise<Response> {
  const body = new URLSearchParams(form);
  const headers = new Headers({ accept: "application/json", "content-type": "application/x-www-form-urlencoded" });
  if (authentication.kind === "assertion") {
    body.set("client_id", clientId);
    body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    body.set("client_assertion", (await authentication.make()).reveal());
  } else if (way === "header") {
    const pair = `${formEncode(clientId)}:${formEncode(authentication.secret.reveal())}`;
    headers.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  } else {
    body.set("client_id", clientId);
    if (authentication.secret.reveal() !== "") body.set("client_secret", authentication.secret.reveal());
  }
  // Text, not the object: the content type must be the one that every server knows.
  return fetch(endpoint, { method: "POST", headers, body: body.toString(), signal });
}

/** As RFC 6749 §2.3.1 asks for, letter for letter as Go's `url.QueryEscape`: some servers never decode. */
const formEncode = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  token_type: z.string().nullish(),
  refresh_token: z.string().nullish(),
  id_token: z.string().nullish(),
  // compat(dex): PayPal and others send text.
  expires_in: z.union([z.number(), z.string().regex(/^-?\d{1,15}$/)]).nullish(),
});

async function readTokens(response: Response, now: number, what: string): Promise<Tokens> {
  const text = await response.text();
  const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  const isForm = type === "application/x-www-form-urlencoded" || type === "text/plain";
  const value = isForm ? Object.fromEntries(new URLSearchParams(text)) : jsonOrNothing(text);
  const error = readErrorCode(value);
  // A busy server says nothing about the grant.
  if (error === "" && (response.status === 429 || response.status >= 500)) {
    throw new UnavailableError(what, `${what}: cannot fetch token: status ${response.status}`);
  }
  if (!response.ok || error !== "") {
    throw refusalOf(isForm ? JSON.stringify(value) : text, response, what);
  }
  if (value === undefined) throw new BadAnswerError(`${what}: oauth2: the token answer cannot be read`);
  const answer = readValue(value, tokenAnswer, `${what}: token answer`);
  const lifetime = Number(answer.expires_in ?? 0);
  return {
    accessToken: new Secret(answer.access_token),
    tokenType: (answer.token_type ?? "").replace(/^(bearer)?$/i, "Bearer"),
    ...(answer.refresh_token ? { refreshToken: new Secret(answer.refresh_token) } : {}),
    ...(answer.id_token && !isForm ? { idToken: new Secret(answer.id_token) } : {}),
    ...(lifetime > 0 ? { expiresAt: now + lifetime * 1000 } : {}),
  };
}

function refusalOf(json: string, { status }: Response, what: string): TokenRefusal {
  const said = complaintIn(json);
  const message = `${what}: oauth2: ${said === "" ? `cannot fetch token: status ${status}` : said}`;
  return new TokenRefusal(readErrorCode(jsonOrNothing(json)), status, message);
}

const jsonOrNothing = (text: string): unknown => {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
};

const errorAnswer = z.object({ error: z.string() });

function readErrorCode(value: unknown): string {
  const parsed = errorAnswer.safeParse(value);
  return parsed.success ? parsed.data.error : "";
}
