/**
 * The Kubernetes API as a database, in Dex's own custom resources. What Dex does not know stands in one member of its
 * objects that it ignores, in one label, and in resources of our own in the same group (ADR: docs/adr).
 */
import { z } from "zod";
import type { PagedKind, Storage, StorageDeps, StorageType } from "../contract.ts";
import type { KindName } from "../records.ts";
import { collectKinds } from "../shared/collect-kinds.ts";
import { KubernetesApi } from "./api.ts";
import { KubernetesCollection } from "./collection.ts";
import { type KubernetesConfig, locateCluster } from "./credentials.ts";
import { prepareResources } from "./custom-resources.ts";
import { Deliveries } from "./deliveries.ts";
import { ExpiringCollection } from "./expiring.ts";
import { isObjectName } from "./names.ts";
import { AuthSessions, RefreshTokens } from "./of-user.ts";
import { ResourceClient } from "./resource-client.ts";

const config = z.object({ inCluster: z.boolean(), kubeConfigFile: z.string(), crdHandling: z.string() });

export const kubernetes: StorageType<KubernetesConfig> = { type: "kubernetes", config, open: openKubernetes };

/** @throws {Error} The server cannot be reached, or its resources are missing and cannot be created. */
export async function openKubernetes(settings: KubernetesConfig, deps: StorageDeps): Promise<Storage> {
  const { random, logger, env = {} } = deps;
  const cluster = await locateCluster(settings, env);
  if (!isObjectName(cluster.namespace)) throw new Error(`${JSON.stringify(cluster.namespace)} is no namespace`);
  const api = new KubernetesApi(cluster, random);
  try {
    await prepareResources(api, settings.crdHandling, logger);
  } catch (error) {
    await api.close();
    throw error;
  }

  const client = (kind: KindName): ResourceClient => new ResourceClient(api, kind);
  const plain = <K extends KindName>(kind: K) => new KubernetesCollection(kind, client(kind), random);
  const expiring = <K extends KindName>(kind: K) => new ExpiringCollection(kind, client(kind), random);
  const deliveries = <K extends PagedKind>(kind: K) => new Deliveries(kind, client(kind), random);
  const ending = {
    authRequests: expiring("authRequests"),
    authCodes: expiring("authCodes"),
    authSessions: new AuthSessions("authSessions", client("authSessions"), random),
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
    refreshTokens: new RefreshTokens("refreshTokens", client("refreshTokens"), random),
    passwords: plain("passwords"),
    offlineSessions: plain("offlineSessions"),
    userIdentities: plain("userIdentities"),
    connectors: plain("connectors"),
    keys: plain("keys"),
    serverSecrets: plain("serverSecrets"),
    collectGarbage: (now, batch) => collectKinds(ending, now, batch),
    async ping(signal) {
      await client("keys").get("openid-connect-keys", signal);
    },
    close: () => api.close(),
  };
}
