import { z } from "zod";
import { startTokenReviewer } from "../fake/token-reviewer.ts";
import { transitTypes } from "../fake/vault-key.ts";
import { type Exchange, playScenes } from "../fake/vault-scenes.ts";
import { startOpenbao } from "./openbao.ts";

const issued = z.object({ auth: z.object({ client_token: z.string() }) });

/** The scenes, played by a real OpenBao that is made for them. */
export async function playOnOpenbao(): Promise<readonly Exchange[]> {
  const bao = await startOpenbao();
  const reviewer = await startTokenReviewer();
  const put = (path: string, body: object = {}): Promise<unknown> => bao.must("POST", path, { body });
  try {
    for (const type of transitTypes) {
      await put(`transit/keys/${type}`, { type });
      await put(`transit/keys/${type}/rotate`);
    }
    await put("transit/keys/archived", { type: "ecdsa-p256" });
    await put("transit/keys/archived/rotate");
    await put("transit/keys/archived/config", { min_decryption_version: 2, min_encryption_version: 2 });
    const mayRead = 'path "transit/keys/*" { capabilities = ["read"] }';
    await put("sys/policies/acl/reader", { policy: mayRead });
    await put("sys/policies/acl/dex", { policy: `${mayRead}\npath "transit/sign/*" { capabilities = ["update"] }` });
    const tokenOf = async (body: object): Promise<string> =>
      issued.parse(await put("auth/token/create", { no_parent: true, ttl: "24h", ...body })).auth.client_token;
    const tokens = {
      signer: await tokenOf({ policies: ["dex"] }),
      fixed: await tokenOf({ policies: ["dex"], renewable: false }),
      reader: await tokenOf({ policies: ["reader"] }),
    };

    const role = { token_policies: ["dex"], token_ttl: 30 };
    await put("sys/auth/approle", { type: "approle" });
    await put("auth/approle/role/dex", role);
    await put("auth/approle/role/dex/role-id", { role_id: "role-id" });
    await put("auth/approle/role/dex/custom-secret-id", { secret_id: "secret-id" });
    await put("sys/auth/kubernetes", { type: "kubernetes" });
    await put("auth/kubernetes/config", {
      ...{ kubernetes_host: reviewer.url, kubernetes_ca_cert: reviewer.ca, token_reviewer_jwt: reviewer.ownToken },
      disable_local_ca_jwt: true,
    });
    const bound = { bound_service_account_names: ["dex"], bound_service_account_namespaces: ["dex"] };
    await put("auth/kubernetes/role/dex", { ...role, ...bound, audience: "vault" });
    const podToken = reviewer.tokenOf("dex");
    return await playScenes({ url: bao.url, tokens, podToken, seal: bao.seal, unseal: bao.unseal });
  } finally {
    await bao.stop();
    await reviewer.close();
  }
}
