/** Google's accounts and Workspace directory: an OpenID provider under Google's name, tokeninfo, service accounts, groups. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportPKCS8, exportSPKI, generateKeyPair, importSPKI, jwtVerify, SignJWT } from "jose";
import { type FakeOidc, startFakeOidc } from "./oidc.ts";
import { type Call, type FakeHttp, memberOf, type Reply, startFakeHttp } from "./vendor-http.ts";

export interface FakeGoogle {
  /** Signing in. People by `sub`. */
  readonly accounts: FakeOidc;
  /** Everything else. */
  readonly apis: FakeHttp;
  /** The groups of an address or id, or of a group. */
  readonly groups: Map<string, readonly string[]>;
  /** Whom the service account has acted for. */
  readonly administrators: readonly string[];
  /** `endpoints` of the connector. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** The key of the service account. */
  readonly keyFile: string;
  /** Directory tokens that are good end. */
  endDirectoryTokens(): void;
  /** The client that an access token is said to be for. */
  audience: string;
  close(): Promise<void>;
}

export const janeSub = "110169484474386276334";
/** Groups that a page of the directory has. */
const directoryPage = 2;
const serviceAccount = "dex@project.iam.gserviceaccount.com";
const groupScope = "https://www.googleapis.com/auth/admin.directory.group.readonly";

export async function startFakeGoogle(now?: () => number): Promise<FakeGoogle> {
  const accounts = await startFakeOidc({ algorithm: "RS256", rotates: false, ...(now === undefined ? {} : { now }) });
  accounts.person = janeSub;
  const jane = { name: "Jane Doe", email: "user_1@dexidp.com", email_verified: true, hd: "dexidp.com" };
  accounts.people.set(janeSub, jane);
  accounts.claims = (usual) => ({ ...usual, iss: "https://accounts.google.com", azp: accounts.clientId });

  const groups = new Map<string, readonly string[]>();
  const administrators: string[] = [];
  const good = new Set<string>();
  const pair = await generateKeyPair("RS256", { extractable: true });
  const publicKey = await importSPKI(await exportSPKI(pair.publicKey), "RS256");

  const answer = async (call: Call): Promise<Reply> => {
    if (call.path === "/service/token") return serviceToken(call);
    if (call.path === "/admin/directory/v1/groups") return listGroups(call);
    if (call.path === "/tokeninfo") return tokenInfo(call);
    const machine = "/computeMetadata/v1/instance/service-accounts/default/";
    if (call.path.startsWith(machine)) {
      if (call.headers["metadata-flavor"] !== "Google") return { status: 403, body: "Missing Metadata-Flavor" };
      if (call.path === `${machine}email`) return { body: serviceAccount };
      return { body: { access_token: "machine", expires_in: 3599, token_type: "Bearer" } };
    }
    if (call.path.endsWith(":signJwt")) {
      if (call.headers.authorization !== "Bearer machine") return { status: 401, body: { error: { code: 401 } } };
      const claims = JSON.parse(String(memberOf(call.body, "payload")));
      const signed = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k1" });
      return { body: { keyId: "k1", signedJwt: await signed.sign(pair.privateKey) } };
    }
    return { status: 404, body: "<html>" };
  };

  async function serviceToken({ form }: Call): Promise<Reply> {
    try {
      const { payload, protectedHeader } = await jwtVerify(form.get("assertion") ?? "", publicKey, {
        issuer: serviceAccount,
        audience: `${apis.url}/service/token`,
        ...(now === undefined ? {} : { currentDate: new Date(now() * 1000) }),
      });
      const isRight = protectedHeader.kid === "k1" && payload.scope === groupScope && typeof payload.sub === "string";
      if (!isRight || form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") throw new Error("no");
      if (!String(payload.sub).startsWith("admin")) {
        return { status: 401, body: { error: "unauthorized_client", error_description: "Client is unauthorized" } };
      }
      administrators.push(String(payload.sub));
    } catch {
      return { status: 400, body: { error: "invalid_grant", error_description: "Invalid JWT Signature." } };
    }
    const token = `ya29.${good.size}-${administrators.length}`;
    good.add(token);
    return { body: { access_token: token, expires_in: 3599, token_type: "Bearer" } };
  }

  function listGroups({ headers, query }: Call): Reply {
    if (!good.has(headers.authorization?.replace(/^Bearer /, "") ?? "")) {
      return fault(401, "authError", "Invalid Credentials");
    }
    const all = groups.get(query.get("userKey") ?? "");
    if (all === undefined) return fault(404, "notFound", "Resource Not Found: userKey");
    const start = Number(query.get("pageToken") ?? 0);
    const page = all.slice(start, start + directoryPage);
    const isLast = start + directoryPage >= all.length;
    return {
      body: {
        kind: "admin#directory#groups",
        ...(page.length === 0 ? {} : { groups: page.map((email) => ({ id: `id-${email}`, email, name: email })) }),
        ...(isLast ? {} : { nextPageToken: String(start + directoryPage) }),
      },
    };
  }

  function tokenInfo({ query }: Call): Reply {
    const grant = accounts.grantOf(query.get("access_token") ?? "");
    if (grant === undefined)
      return { status: 400, body: { error: "invalid_token", error_description: "Invalid Value" } };
    return { body: { aud: fake.audience, azp: fake.audience, sub: grant.person, expires_in: "3599", scope: "openid" } };
  }

  const apis = await startFakeHttp(answer);
  const folder = mkdtempSync(join(tmpdir(), "dex-google-"));
  const keyFile = join(folder, "key.json");
  const key = {
    type: "service_account",
    client_email: serviceAccount,
    private_key: await exportPKCS8(pair.privateKey),
    private_key_id: "k1",
    token_uri: `${apis.url}/service/token`,
  };
  writeFileSync(keyFile, JSON.stringify(key));
  const fake: FakeGoogle = {
    accounts,
    apis,
    groups,
    administrators,
    keyFile,
    audience: accounts.clientId,
    endDirectoryTokens: () => good.clear(),
    endpoints: {
      authorizationURL: `${accounts.url}/authorize`,
      tokenURL: `${accounts.url}/token`,
      keysURL: `${accounts.url}/jwks`,
      userInfoURL: `${accounts.url}/userinfo`,
      tokenInfoURL: `${apis.url}/tokeninfo`,
      directoryURL: apis.url,
      metadataURL: apis.url,
      credentialsURL: apis.url,
    },
    async close() {
      await accounts.close();
      await apis.close();
      rmSync(folder, { recursive: true });
    },
  };
  return fake;
}

export const fault = (code: number, reason: string, message: string): Reply => ({
  status: code,
  body: { error: { code, message, errors: [{ domain: "global", reason, message }] } },
});
