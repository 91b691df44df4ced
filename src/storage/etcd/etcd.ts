/**
 * etcd, version 3 of its API, in Dex's own keys and JSON. What Dex does not know stands under `dexts/`. No key has a
 * lease: Dex gives none, and ours end with the collection of garbage like Dex's, so that one clock decides.
 */
import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import type { PagedKind, Storage, StorageDeps, StorageType } from "../contract.ts";
import type { KindName } from "../records.ts";
import { collectKinds } from "../shared/collect-kinds.ts";
import { EtcdCollection } from "./collection.ts";
import { Connection } from "./connection.ts";
import { Deliveries } from "./deliveries.ts";
import { hasTls, parseEndpoint } from "./endpoint.ts";
import { ExpiringCollection } from "./expiring.ts";
import { loadMethods } from "./messages.ts";
import { AuthSessions, RefreshTokens } from "./of-user.ts";
import { Store } from "./store.ts";

const config = z.object({
  endpoints: z.array(z.string()),
  namespace: z.string(),
  username: z.string(),
  password: z.custom<Secret>((value) => value instanceof Secret),
  ssl: z.object({ serverName: z.string(), caFile: z.string(), certFile: z.string(), keyFile: z.string() }),
});

export type EtcdConfig = z.infer<typeof config>;

export const etcd: StorageType<EtcdConfig> = { type: "etcd", config, open: openEtcd };

/** @throws {Error} No member can be reached, or the server does not know us. */
export async function openEtcd(settings: EtcdConfig, { random, logger }: StorageDeps): Promise<Storage> {
  // compat(dex): clientv3's words.
  if (settings.endpoints.length === 0) throw new Error("etcdclient: no available endpoints");
  const endpoints = settings.endpoints.map((text) => parseEndpoint(text, hasTls(settings.ssl)));
  const methods = await loadMethods();
  const connection = await Connection.open({ ...settings, endpoints }, methods, random);
  const store = new Store(connection, methods, settings.namespace);

  const plain = <K extends KindName>(kind: K) => new EtcdCollection(kind, store, random);
  const expiring = <K extends KindName>(kind: K) => new ExpiringCollection(kind, store, random, logger);
  const deliveries = <K extends PagedKind>(kind: K) => new Deliveries(kind, store, random, logger);
  const offlineSessions = plain("offlineSessions");
  const ending = {
    authRequests: expiring("authRequests"),
    authCodes: expiring("authCodes"),
    authSessions: new AuthSessions(store, random, logger),
    deviceRequests: expiring("deviceRequests"),
    deviceTokens: expiring("deviceTokens"),
    revokedTokens: expiring("revokedTokens"),
    logoutDeliveries: deliveries("logoutDeliveries"),
    upstreamSessions: expiring("upstreamSessions"),
    accountTokens: expiring("accountTokens"),
    mailDeliveries: deliveries("mailDeliveries"),
    loginAttempts: expiring("loginAttempts"),
  };
  return {
    ...ending,
    clients: plain("clients"),
    refreshTokens: new RefreshTokens(store, random, offlineSessions),
    passwords: plain("passwords"),
    offlineSessions,
    userIdentities: plain("userIdentities"),
    connectors: plain("connectors"),
    keys: plain("keys"),
    serverSecrets: plain("serverSecrets"),
    collectGarbage: (now, batch) => collectKinds(ending, now, batch),
    async ping(signal) {
      // A read that a majority has to agree on, so that a member without a leader is not taken for a working one.
      await store.probe("openid-connect-keys", signal);
    },
    async close() {
      connection.close();
    },
  };
}
