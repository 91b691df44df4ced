/** The least a Node server can do per request: what the generator reaches against this is the generator's limit. */
import { createServer } from "node:http";

const [port = "0"] = process.argv.slice(2);
const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const issuer = `http://127.0.0.1:${port}`;
const jwt = `${segment({ alg: "RS256", kid: "none" })}.${segment({ iss: issuer, sub: "person", aud: "bench", email: "person@example.com", groups: ["team-a"] })}.${"s".repeat(342)}`;
const discovery = JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
});
let counter = 0;

/** Answers like a token endpoint, without signing, storing or checking anything. */
const server = createServer((request, response) => {
  request.resume();
  const isToken = request.method === "POST";
  const body = isToken
    ? JSON.stringify({
        access_token: jwt,
        token_type: "bearer",
        expires_in: 86_399,
        refresh_token: `token-${counter++}`,
        id_token: jwt,
      })
    : discovery;
  response.writeHead(200, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": body.length,
  });
  response.end(body);
});
server.listen(Number(port), "127.0.0.1");
