import { quoteGo } from "../kernel/go-quote.ts";
import { newId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { Client } from "../storage/records.ts";
import { hashClientSecret, isHashedSecret } from "../token/client-secret.ts";
import type { AdminMethods } from "./admin-messages.ts";
import type * as api from "./api-messages.ts";
import type { AdminDeps, Methods } from "./contract.ts";
import { demand, doing, Refusal } from "./refusal.ts";

/** Applications that people sign in to. */
export const clientMethods: Pick<
  Methods<api.DexMethods>,
  "GetClient" | "CreateClient" | "UpdateClient" | "DeleteClient" | "ListClients"
> = {
  async GetClient({ id }, { storage }) {
    const client = await storage.clients.get(id);
    if (client === undefined) throw new Refusal("not found");
    return { client: shown(client, shownSecret(client)) };
  },

  async CreateClient({ client: asked }, deps) {
    demand(asked, "no client supplied");
    const lifetime = lifetimeOf(asked.refresh_token_lifetime);
    const id = asked.id || newId(deps.random);
    const secret = asked.secret || (asked.public ? "" : newSecret(deps));
    const client: Client = {
      id,
      secret: storedSecret(id, secret, deps),
      redirectUris: asked.redirect_uris,
      trustedPeers: asked.trusted_peers,
      public: asked.public,
      name: asked.name,
      logoUrl: asked.logo_url,
      allowedConnectors: asked.allowed_connectors,
      // An empty list cannot be told from none on the wire.
      ...(asked.sso_shared_with.length === 0 ? {} : { ssoSharedWith: asked.sso_shared_with }),
      postLogoutRedirectUris: asked.post_logout_redirect_uris,
      backchannelLogoutUri: asked.backchannel_logout_uri,
      refreshTokenLifetime: lifetime,
      clientCredentialsGroups: [],
    };
    try {
      await deps.storage.clients.create(client);
    } catch (error) {
      if (error instanceof AlreadyExistsError) return { already_exists: true, client: null };
      return doing("create client", Promise.reject(error));
    }
    return { already_exists: false, client: { ...asked, id, secret } };
  },

  async UpdateClient(request, { storage }) {
    demand(request.id, "update client: no client ID supplied");
    const lifetime = request.refresh_token_lifetime;
    if (lifetime !== undefined) lifetimeOf(lifetime);
    const changed = await doing(
      "update client",
      storage.clients.update(request.id, (client) => updated(client, request)),
    );
    return { not_found: changed === undefined };
  },

  async DeleteClient({ id }, { storage }) {
    return { not_found: !(await doing("delete client", storage.clients.delete(id))) };
  },

  async ListClients(_request, { storage }) {
    const clients = await doing("list clients", storage.clients.list());
    return {
      clients: clients.map((client) => {
        const { secret: _, ...info } = shown(client, "");
        return info;
      }),
    };
  },
};

export const clientSecretMethods: Pick<Methods<AdminMethods>, "RotateClientSecret"> = {
  async RotateClientSecret({ id }, deps) {
    demand(id, "no client ID supplied");
    const secret = newSecret(deps);
    const changed = await doing(
      "rotate client secret",
      deps.storage.clients.update(id, (client) => ({ ...client, secret: storedSecret(id, secret, deps) })),
    );
    return changed === undefined ? { not_found: true, secret: "" } : { not_found: false, secret };
  },
};

/** compat(dex): two ids in a row. */
const newSecret = ({ random }: AdminDeps): string => newId(random) + newId(random);

const storedSecret = (id: string, secret: string, { clientSecretKey }: AdminDeps): Secret =>
  secret === "" ? new Secret("") : hashClientSecret(clientSecretKey, id, secret);

/** What is left of a secret to be shown. A hash of ours is nobody's business, and was never a secret of the client's. */
const shownSecret = (client: Client): string => (isHashedSecret(client) ? "" : client.secret.reveal());

const shown = (client: Client, secret: string): api.Client => ({
  id: client.id,
  secret,
  redirect_uris: client.redirectUris,
  trusted_peers: client.trustedPeers,
  public: client.public,
  name: client.name,
  logo_url: client.logoUrl,
  allowed_connectors: client.allowedConnectors,
  sso_shared_with: client.ssoSharedWith ?? [],
  backchannel_logout_uri: client.backchannelLogoutUri,
  post_logout_redirect_uris: client.postLogoutRedirectUris,
  refresh_token_lifetime: client.refreshTokenLifetime,
});

/** compat(dex): what is empty leaves what is there, but for the two fields that the wire can say "empty" of. */
function updated(client: Client, request: api.UpdateClientReq): Client {
  const list = (asked: readonly string[], known: readonly string[]): readonly string[] =>
    asked.length > 0 ? asked : known;
  const { refresh_token_lifetime: lifetime } = request;
  return {
    ...client,
    redirectUris: list(request.redirect_uris, client.redirectUris),
    trustedPeers: list(request.trusted_peers, client.trustedPeers),
    name: request.name || client.name,
    logoUrl: request.logo_url || client.logoUrl,
    allowedConnectors: list(request.allowed_connectors, client.allowedConnectors),
    postLogoutRedirectUris: list(request.post_logout_redirect_uris, client.postLogoutRedirectUris),
    ...(request.sso_shared_with.length === 0 ? {} : { ssoSharedWith: request.sso_shared_with }),
    backchannelLogoutUri: request.backchannel_logout_uri ?? client.backchannelLogoutUri,
    refreshTokenLifetime: lifetime === undefined ? client.refreshTokenLifetime : lifetimeOf(lifetime),
  };
}

function lifetimeOf(text: string): Client["refreshTokenLifetime"] {
  if (text === "" || text === "standalone" || text === "session") return text;
  throw new Refusal(`invalid refresh token lifetime ${quoteGo(text)}: want "standalone" or "session"`);
}
