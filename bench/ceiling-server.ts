/**
 * The least a Node server can do per request, and per request that wants two signatures: what the generator reaches against
 * the first is the generator's limit, against the second any server's.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { promisify } from "node:util";

const [port = "0"] = process.argv.slice(2);
const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const issuer = `http://127.0.0.1:${port}`;
const claims = { iss: issuer, sub: "person", aud: "bench", email: "person@example.com", groups: ["team-a"] };
const payload = `${segment({ alg: "RS256", kid: "none" })}.${segment(claims)}`;
const unsigned = `${payload}.${"s".repeat(342)}`;
const discovery = JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
});
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const signature = promisify(sign);
let counter = 0;

const signed = async (): Promise<string> =>
  `${payload}.${(await signature("sha256", Buffer.from(payload), privateKey)).toString("base64url")}`;

async function answer(path: string): Promise<string> {
  if (path !== "/token" && path !== "/signed-token") return discovery;
  const isSigned = path === "/signed-token";
  // One after the other: an ID token holds a hash of the access token, signature included.
  const accessToken = isSigned ? await signed() : unsigned;
  const idToken = isSigned ? await signed() : unsigned;
  return JSON.stringify({
    access_token: accessToken,
    token_type: "bearer",
    expires_in: 86_399,
    refresh_token: `token-${counter++}`,
    id_token: idToken,
  });
}

/** Answers like a token endpoint, without storing or checking anything; at `/token` without signing either. */
const server = createServer(async (request, response) => {
  request.resume();
  const body = await answer(request.url ?? "");
  response.writeHead(200, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": body.length,
  });
  response.end(body);
});
server.listen(Number(port), "127.0.0.1");
