import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "../../kernel/ports.ts";
import type { KindName } from "../records.ts";
import { type JsonObject, textMember } from "../shared/dex-json.ts";
import { kindNames } from "../shared/record-key.ts";
import type { KubernetesApi } from "./api.ts";
import { group } from "./objects.ts";
import { ResourceClient } from "./resource-client.ts";
import { resources } from "./resources.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** How often a new resource is asked for until it is served, a tenth of a second apart. */
const servedAttempts = 300;

const nameOf = (kind: KindName): string => `${resources[kind].plural}.${group}`;

/** A kind as the API server is told of it. compat(dex): storage/kubernetes/types.go. */
export function definitionOf(kind: KindName): JsonObject {
  const { kind: name, plural, singular } = resources[kind];
  return {
    kind: "CustomResourceDefinition",
    apiVersion: "apiextensions.k8s.io/v1",
    metadata: { name: nameOf(kind) },
    spec: {
      group,
      names: { plural, singular, kind: name, listKind: `${name}List` },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  };
}

/** @throws {Error} Some are missing, and may not be created or are not served in time. */
export async function prepareResources(api: KubernetesApi, handling: string, logger: Logger): Promise<void> {
  const missing = await missingOf(api, kindNames);
  if (missing.length === 0) return;
  const names = missing.map(nameOf).join(", ");
  if (handling === "check") {
    // compat(dex): its words; there the start goes on and fails later.
    throw new Error(`storage is not initialized, CRDs are not created: ${names}`);
  }
  logger.info("creating custom resource definitions", { names });
  // Nobody waits for the others: a replica may be creating the same ones.
  await Promise.all(missing.map((kind) => createDefinition(api, kind)));
  for (let attempt = 1, left = missing; left.length > 0; attempt++) {
    left = await missingOf(api, left);
    if (left.length > 0 && attempt === servedAttempts) {
      throw new Error(`custom resources are not served: ${left.map(nameOf).join(", ")}`);
    }
    if (left.length > 0) await wait(100);
  }
}

async function missingOf(api: KubernetesApi, kinds: readonly KindName[]): Promise<readonly KindName[]> {
  const served = await Promise.all(kinds.map((kind) => new ResourceClient(api, kind).isServed()));
  return kinds.filter((_, place) => served[place] !== true);
}

async function createDefinition(api: KubernetesApi, kind: KindName): Promise<void> {
  const { status, body } = await api.call({ verb: "POST", path: definitions, body: definitionOf(kind) });
  if (status === 201 || status === 409) return;
  const message = body === undefined ? "" : textMember(body, "message");
  throw new Error(`the custom resource definition ${nameOf(kind)} cannot be created: ${status} ${message}`);
}
