/** mod_auth_openidc guards a page of Apache: code, hybrid and form_post answers, claims, and rules on them. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Apache, apacheModule, apachePrograms, startApache } from "../peer/apache.ts";
import { freePort, missing } from "../peer/peer.ts";
import type { ServerUnderTest } from "../spec/server-under-test.ts";
import { startReachable } from "./reach.ts";
import { WebBrowser } from "./web-browser.ts";

const skip = missing({ ...apachePrograms, [apacheModule("auth_openidc")]: "libapache2-mod-auth-openidc" });

/** One Apache per way of asking. */
const ways = {
  code: ["OIDCResponseType code", "OIDCPKCEMethod S256"],
  "code by form": ["OIDCResponseType code", "OIDCResponseMode form_post"],
  "code id_token": ['OIDCResponseType "code id_token"'],
  "id_token by form": ["OIDCResponseType id_token", "OIDCResponseMode form_post"],
  "code id_token token by form": ['OIDCResponseType "code id_token token"', "OIDCResponseMode form_post"],
} as const;

const configuration = (issuer: string, folder: string, port: number, way: readonly string[]): string => `
ScriptSock ${folder}/run/cgisock
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID app
OIDCClientSecret app-secret
OIDCRedirectURI http://127.0.0.1:${port}/protected/callback
OIDCCryptoPassphrase only-for-tests
OIDCScope "openid email profile groups"
OIDCRemoteUserClaim email
OIDCPassClaimsAs environment
OIDCCookieSameSite Off
${way.join("\n")}
<Directory ${folder}/htdocs>
  Options +ExecCGI
  SetHandler cgi-script
  Require all granted
</Directory>
AliasMatch ^/protected/(?!callback) ${folder}/htdocs/claims.cgi
<Location /protected>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /protected/authors>
  AuthType openid-connect
  Require claim groups:authors
</Location>
<Location /protected/nobody>
  AuthType openid-connect
  Require claim groups:nobody
</Location>
`;

const claimsScript = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env | grep -E '^(OIDC_CLAIM_|REMOTE_USER)' | sort
`;

describe("mod_auth_openidc", { skip }, () => {
  for (const [name, way] of Object.entries(ways)) {
    describe(`asking for ${name}`, () => {
      let server: ServerUnderTest;
      let apache: Apache;
      let protectedPages = "";

      before(async () => {
        const port = await freePort();
        protectedPages = `http://127.0.0.1:${port}/protected`;
        server = await startReachable({
          oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
          staticClients: [
            { id: "app", name: "Apache", secret: "app-secret", redirectURIs: [`${protectedPages}/callback`] },
          ],
        });
        apache = await startApache({
          port,
          modules: ["authz_user", "auth_openidc", "cgid", "alias"],
          configure(folder) {
            writeFileSync(`${folder}/htdocs/claims.cgi`, claimsScript);
            for (const path of [`${folder}/htdocs`, `${folder}/htdocs/claims.cgi`]) chmodSync(path, 0o755);
            return configuration(server.issuer, folder, port, way);
          },
        });
      });
      after(async () => {
        await apache.stop();
        await server.close();
      });

      it("lets the person in, as whom the claims say", async () => {
        const { status, body } = await new WebBrowser().open(`${protectedPages}/`);
        assert.equal(status, 200, body + readFileSync(apache.logFile, "utf8"));
        assert.match(body, /^REMOTE_USER=kilgore@kilgore\.trout$/m);
        assert.match(body, /^OIDC_CLAIM_name=Kilgore Trout$/m);
        assert.match(body, /^OIDC_CLAIM_groups=authors$/m);
        assert.match(body, new RegExp(`^OIDC_CLAIM_iss=${server.issuer}$`, "m"));
      });

      it("lets a group in and keeps another out", async () => {
        const browser = new WebBrowser();
        assert.equal((await browser.open(`${protectedPages}/authors`)).status, 200);
        assert.equal((await browser.open(`${protectedPages}/nobody`)).status, 401);
      });

      it("goes on with its own session", async () => {
        const browser = new WebBrowser();
        const { url } = await browser.open(`${protectedPages}/first`);
        assert.equal(url, `${protectedPages}/first`);
        assert.equal((await browser.open(`${protectedPages}/second`)).status, 200);
      });
    });
  }
});
