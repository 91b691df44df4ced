/** The one call of Kubernetes' API that a Vault makes: whose service account a token is (authentication.k8s.io/v1). */
import { generateKeyPairSync, sign } from "node:crypto";
import { z } from "zod";
import { newAuthority } from "./certificates.ts";
import { bodyOf, loopbackServer } from "./loopback-server.ts";

export interface TokenReviewer {
  readonly url: string;
  /** PEM, of the authority of its certificate. */
  readonly ca: string;
  /** Who asks for a review shows this. */
  readonly ownToken: string;
  /** How many reviews there were. */
  reviews(): number;
  /** A token of the service account `name` in the namespace `dex`, as a pod has it. */
  tokenOf(name: string): string;
  close(): Promise<void>;
}

const question = z.object({ spec: z.object({ token: z.string() }) });
const claimsOf = z.object({ "kubernetes.io": z.object({ serviceaccount: z.object({ name: z.string() }) }) });
const path = "/apis/authentication.k8s.io/v1/tokenreviews";

export async function startTokenReviewer(): Promise<TokenReviewer> {
  const authority = newAuthority();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const known = new Set<string>();
  let reviews = 0;
  const jwtOf = (name: string): string => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: "https://kubernetes.default.svc", aud: ["vault"], iat: now, nbf: now, exp: now + 3_600 },
      sub: `system:serviceaccount:dex:${name}`,
      "kubernetes.io": { namespace: "dex", serviceaccount: { name, uid: `uid-of-${name}` } },
    };
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
    const input = `${encode({ alg: "RS256", kid: "k" })}.${encode(claims)}`;
    const token = `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
    known.add(token);
    return token;
  };
  const ownToken = jwtOf("reviewer");
  const server = await loopbackServer((request, response) => {
    void (async () => {
      const { spec } = question.parse(JSON.parse(await bodyOf(request)));
      const mayAsk = request.url === path && request.headers.authorization === `Bearer ${ownToken}`;
      if (!mayAsk) return response.writeHead(403, { "content-type": "application/json" }).end("{}");
      reviews++;
      const status = known.has(spec.token)
        ? { authenticated: true, user: userOf(spec.token), audiences: ["vault"] }
        : { authenticated: false };
      response.writeHead(201, { "content-type": "application/json" });
      response.end(JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec, status }));
    })();
  }, authority.issue());
  return { url: server.url, ca: authority.cert, ownToken, reviews: () => reviews, tokenOf: jwtOf, close: server.close };
}

function userOf(token: string): object {
  const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const { name } = claimsOf.parse(payload)["kubernetes.io"].serviceaccount;
  const groups = ["system:serviceaccounts", "system:serviceaccounts:dex", "system:authenticated"];
  return { username: `system:serviceaccount:dex:${name}`, uid: `uid-of-${name}`, groups };
}
