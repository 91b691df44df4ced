import { readFile } from "node:fs/promises";
import { importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { mustSucceed, readJson } from "../shared/read-json.ts";
import { singleFlight } from "../shared/single-flight.ts";
import type { GoogleConfig } from "./config.ts";

/** Access tokens for the Directory API, on behalf of an administrator. Domain-wide delegation; RFC 7523 §2.1. */
export interface DirectoryTokens {
  of(administrator: string): Promise<Secret>;
  /** Google does not take it any more. */
  forget(administrator: string): void;
}

const scope = "https://www.googleapis.com/auth/admin.directory.group.readonly";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** Milliseconds before its end that a token is not used any more. */
const margin = 60_000;

const keyFile = z.object({
  type: z.literal("service_account"),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().default(""),
  token_uri: z.string().min(1),
});
const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().default(3600) });
type Fetch = typeof globalThis.fetch;

export function directoryTokens(config: GoogleConfig, fetch: Fetch, clock: Clock): DirectoryTokens {
  const held = new Map<string, { readonly token: Secret; readonly until: number }>();
  const fly = singleFlight<Secret>();
  return {
    async of(administrator) {
      const known = held.get(administrator);
      if (known !== undefined && known.until - margin > clock.now()) return known.token;
      // Without anybody's signal: whoever asked first may go, and the others still want it.
      return fly(administrator, async () => {
        const now = clock.now();
        const { assertion, tokenUri } = await assertionFor(administrator, config, fetch, Math.floor(now / 1000));
        const response = await fetch(tokenUri, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
          body: new URLSearchParams({ grant_type: grantType, assertion }).toString(),
        });
        const { access_token, expires_in } = await readJson(response, tokenAnswer, "google: service account token");
        const token = new Secret(access_token);
        held.set(administrator, { token, until: now + expires_in * 1000 });
        return token;
      });
    },
    forget: (administrator) => void held.delete(administrator),
  };
}

interface Assertion {
  readonly assertion: string;
  readonly tokenUri: string;
}

async function assertionFor(
  administrator: string,
  config: GoogleConfig,
  fetch: Fetch,
  now: number,
): Promise<Assertion> {
  const { serviceAccountFilePath: path } = config;
  if (path === "") return assertionOfMachine(administrator, config, fetch, now);
  const account = await readServiceAccount(path);
  const jwt = new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: account.private_key_id })
    .setIssuer(account.client_email)
    .setSubject(administrator)
    .setAudience(account.token_uri)
    .setIssuedAt(now)
    .setExpirationTime(now + 3600);
  return { assertion: await jwt.sign(await importPKCS8(account.private_key, "RS256")), tokenUri: account.token_uri };
}

/** Read each time: whoever replaces the file need not restart us. @throws {Error} It is none. The message quotes nothing. */
export async function readServiceAccount(path: string): Promise<z.infer<typeof keyFile>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Error(`could not create directory service: error reading credentials from file: ${why}`);
  }
  try {
    const account = keyFile.parse(JSON.parse(text));
    await importPKCS8(account.private_key, "RS256");
    return account;
  } catch {
    throw new Error(
      "could not create directory service: unable to parse client secret file to config: not the key of a service account",
    );
  }
}

/** On Google Cloud the machine's account has no key: Google signs for it. */
async function assertionOfMachine(
  administrator: string,
  { endpoints: { metadataURL, credentialsURL, tokenURL } }: GoogleConfig,
  fetch: Fetch,
  now: number,
): Promise<Assertion> {
  const metadata = async (path: string): Promise<Response> => {
    const address = `${metadataURL}/computeMetadata/v1/instance/service-accounts/default/${path}`;
    const response = await fetch(address, { headers: { "metadata-flavor": "Google" } });
    await mustSucceed(response, "unable to get service account email from metadata server");
    return response;
  };
  const email = (await (await metadata("email")).text()).trim();
  if (!email.includes("@")) throw new BadAnswerError("google: the metadata server names no service account");
  const own = await readJson(await metadata("token"), tokenAnswer, "google: token of the machine's account");
  const payload = JSON.stringify({ iss: email, sub: administrator, scope, aud: tokenURL, iat: now, exp: now + 3600 });
  const response = await fetch(`${credentialsURL}/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}:signJwt`, {
    method: "POST",
    headers: { authorization: `Bearer ${own.access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ payload }),
  });
  const signed = z.object({ signedJwt: z.string().min(1) });
  const what = `unable to impersonate with ${administrator}`;
  return { assertion: (await readJson(response, signed, what)).signedJwt, tokenUri: tokenURL };
}
