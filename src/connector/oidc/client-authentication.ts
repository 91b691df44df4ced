import { readFile } from "node:fs/promises";
import { importPKCS8, SignJWT } from "jose";
import { Secret } from "../../kernel/secret.ts";
import type { ConnectorDeps } from "../contract.ts";
import type { ClientAuthentication } from "../shared/token-client.ts";
import type { OidcConfig } from "./config.ts";
import type { Metadata } from "./metadata.ts";

/** Who we are to the provider: a signed assertion, a ready one from a file, or the secret where it wants it. */
export function authenticationFor(
  config: OidcConfig,
  metadata: () => Metadata,
  { clock, random }: Pick<ConnectorDeps, "clock" | "random">,
): ClientAuthentication {
  const { privateKeyJWT, clientAssertionFile, clientSecret, basicAuthUnsupported } = config;
  if (clientAssertionFile !== "") {
    return { kind: "assertion", make: async () => new Secret((await readFile(clientAssertionFile, "utf8")).trim()) };
  }
  if (privateKeyJWT !== undefined) {
    const { keyFile, key, keyID, algorithm } = privateKeyJWT;
    const alg = algorithm === "" ? "RS256" : algorithm;
    return {
      kind: "assertion",
      async make() {
        // Read each time: whoever replaces the file need not restart us.
        const pem = keyFile === "" ? key.reveal() : await readFile(keyFile, "utf8");
        const now = Math.floor(clock.now() / 1000);
        const jwt = new SignJWT({})
          .setProtectedHeader({ alg, ...(keyID === "" ? {} : { kid: keyID }) })
          .setIssuer(config.clientID)
          .setSubject(config.clientID)
          .setAudience(metadata().tokenEndpoint)
          .setJti(Buffer.from(random.bytes(16)).toString("base64url"))
          .setIssuedAt(now)
          .setExpirationTime(now + 60);
        return new Secret(await jwt.sign(await importPKCS8(pem, alg)));
      },
    };
  }
  const secret = { kind: "secret", secret: clientSecret } as const;
  if (basicAuthUnsupported ?? isOkta(config.issuer)) return { ...secret, first: "body", isOnlyWay: true };
  const { authMethods } = metadata();
  const wantsBody = authMethods.includes("client_secret_post") && !authMethods.includes("client_secret_basic");
  return { ...secret, first: wantsBody ? "body" : "header" };
}

/** compat(dex): it refuses the header (dexidp/dex#859). */
function isOkta(issuer: string): boolean {
  const host = URL.parse(issuer)?.host ?? "";
  return ["okta.com", "oktapreview.com"].some((domain) => host === domain || host.endsWith(`.${domain}`));
}
