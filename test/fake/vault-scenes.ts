/**
 * Everything that a signer asks of a Vault, and how Vault refuses it, one exchange after the other: played against a
 * real OpenBao its answers are recorded, played against the stand-in they are compared, and replayed they show that the
 * client understands the real one. The questions are put by the client itself.
 */
import assert from "node:assert/strict";
import { Secret } from "../../src/kernel/secret.ts";
import { parseCompactJws } from "../../src/signer/shared/compact-jws.ts";
import { verifyJws } from "../../src/signer/shared/verification-key.ts";
import { openTransit } from "../../src/signer/vault/transit.ts";
import type { TransitVersion } from "../../src/signer/vault/transit-key.ts";
import { openVaultClient, type VaultCall, VaultRefusal } from "../../src/signer/vault/vault-client.ts";
import { transitTypes } from "./vault-key.ts";

export interface Exchange {
  readonly scene: string;
  readonly method: string;
  /** Below `/v1/`. */
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

/** What the scenes need to find: a key of each type under its type's name, in two versions, and `archived`, whose first version may not sign. */
export interface SceneStage {
  readonly url: string;
  readonly tokens: {
    /** May do everything that a signer does; lives for a day, renewable. */
    readonly signer: string;
    /** The same, not renewable. */
    readonly fixed: string;
    /** May read keys and sign nothing. */
    readonly reader: string;
  };
  /** Of the role `dex`; the AppRole's ids are `role-id` and `secret-id`. */
  readonly podToken: string;
  seal(): Promise<void>;
  unseal(): Promise<void>;
}

export async function playScenes(stage: SceneStage): Promise<readonly Exchange[]> {
  const exchanges: Exchange[] = [];
  let scene = "";
  const ask = openVaultClient({ address: new URL(stage.url) }, async (input, init) => {
    const url = String(input);
    const response = await fetch(url, init);
    const text = await response.text();
    exchanges.push({
      ...{ scene, method: init?.method ?? "GET", path: url.slice(url.indexOf("/v1/") + 4) },
      body: typeof init?.body === "string" ? JSON.parse(init.body) : null,
      ...{ status: response.status, answer: masked(text === "" ? null : JSON.parse(text)) },
    });
    return new Response(text, response);
  });
  const { signer, fixed, reader } = stage.tokens;
  const as = (token: string) => (call: Omit<VaultCall, "token">) => ask({ ...call, token: new Secret(token) });
  const refused = async (what: string, asked: Promise<unknown>): Promise<void> => {
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof VaultRefusal, what);
      return true;
    });
  };
  /** Whatever comes, it is recorded. */
  const play = async (what: string, token: string, call: Omit<VaultCall, "token">): Promise<void> => {
    scene = what;
    await as(token)(call).catch((error: unknown) => assert.ok(error instanceof VaultRefusal, String(error)));
  };

  for (const type of transitTypes) {
    const transit = openTransit(as(signer), "transit", type);
    scene = `read ${type}`;
    const { versions } = await transit.read();
    assert.equal(versions.length, 2);
    for (const version of versions) {
      scene = `sign ${type} v${version.version}`;
      const inputs = [inputOf(version, "one"), inputOf(version, "two")];
      const signatures = await transit.sign(version, inputs);
      for (const [at, input] of inputs.entries()) assertSigned(`${input}.${String(signatures[at])}`, version);
    }
  }
  const sign = (key: string, more: object): Omit<VaultCall, "token"> => ({
    ...{ method: "POST", path: `transit/sign/${key}` },
    body: { batch_input: [{ input: "aGVsbG8=" }], marshaling_algorithm: "jws", prehashed: false, ...more },
  });
  await play("sign with a version to come", signer, sign("ecdsa-p256", { key_version: 9 }));
  await play("sign with an archived version", signer, sign("archived", { key_version: 1 }));
  await play("sign something that is not base64", signer, sign("ed25519", { batch_input: [{ input: "!!" }] }));
  await play("sign nothing", signer, sign("ed25519", { batch_input: [{}] }));
  await play("sign one, and one that cannot be", signer, sign("ed25519", { batch_input: [{ input: "aGVsbG8=" }, {}] }));
  await play("sign with a key that is not there", signer, sign("nobody", {}));
  await play("read a key that is not there", signer, { method: "GET", path: "transit/keys/nobody" });
  await play("read with a token that nobody issued", "s.nobody", { method: "GET", path: "transit/keys/ed25519" });
  await play("sign with a token that nobody issued", "s.nobody", sign("ed25519", {}));
  await play("sign with a token that may not", reader, sign("ed25519", {}));
  await play("look up a token", signer, { method: "GET", path: "auth/token/lookup-self" });
  await play("renew a token", signer, { method: "POST", path: "auth/token/renew-self", body: {} });
  await play("renew a token that cannot be", fixed, { method: "POST", path: "auth/token/renew-self", body: {} });

  const logIn = (mount: string, body: object) => ask({ method: "POST", path: `auth/${mount}/login`, body });
  scene = "log in by AppRole";
  await logIn("approle", { role_id: "role-id", secret_id: "secret-id" });
  scene = "log in by AppRole with a wrong secret";
  await refused(scene, logIn("approle", { role_id: "role-id", secret_id: "wrong" }));
  scene = "log in as a pod";
  await logIn("kubernetes", { role: "dex", jwt: stage.podToken });
  scene = "log in as nobody's pod";
  await refused(scene, logIn("kubernetes", { role: "dex", jwt: `${stage.podToken.slice(0, -8)}AAAAAAAA` }));
  scene = "log in as a pod for a role that is not there";
  await refused(scene, logIn("kubernetes", { role: "nobody", jwt: stage.podToken }));

  await stage.seal();
  await play("read while sealed", signer, { method: "GET", path: "transit/keys/ed25519" });
  await play("sign while sealed", signer, sign("ed25519", {}));
  scene = "log in while sealed";
  await refused(scene, logIn("approle", { role_id: "role-id", secret_id: "secret-id" }));
  await stage.unseal();
  return exchanges;
}

/** Header and payload of a token by this version. */
const inputOf = ({ jwk: { alg, kid } }: TransitVersion, text: string): string =>
  [{ alg, kid }, { text }].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");

function assertSigned(jwt: string, version: TransitVersion): void {
  const jws = parseCompactJws(jwt);
  assert.ok(jws !== undefined && verifyJws(jws, version), `${version.jwk.alg}: ${jwt}`);
}

const unlike = new Set(["request_id", "client_token", "accessor", "id", "entity_id"]);

/** Without what is different every time and nobody's business. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      unlike.has(name) && typeof each === "string" && each !== "" ? `an ${name}` : masked(each),
    ]),
  );
}
