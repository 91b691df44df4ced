/** deploy/kubernetes at a real API server: it takes every document, and its role is what the storage uses, no more. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { runStorageConformance } from "../../src/storage/conformance/conformance.ts";
import { makers } from "../../src/storage/conformance/makers.ts";
import { plain } from "../../src/storage/conformance/plain.ts";
import { quietDeps } from "../../src/storage/conformance/quiet-deps.ts";
import type { Collection, Storage } from "../../src/storage/contract.ts";
import { openKubernetes } from "../../src/storage/kubernetes/kubernetes.ts";
import { kindNames, recordKey } from "../../src/storage/shared/record-key.ts";
import { type KubePeer, kubeTokens, startKubeApiserver, withoutKubeApiserver } from "../peer/kube-apiserver.ts";
import { peerFolder } from "../peer/peer.ts";

const folder = join(import.meta.dirname, "../../deploy/kubernetes");
const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
type Manifest = z.infer<typeof manifest>;
const read = (name: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(join(folder, name), "utf8")).map((document) => document.toJS() as unknown);

const { namespace, resources } = z
  .object({ namespace: z.string(), resources: z.array(z.string()) })
  .parse(read("kustomization.yaml")[0]);
const manifests = resources.flatMap(read).map((document) => manifest.parse(document));
const one = (kind: string): Manifest => manifests.find((each) => each.kind === kind) ?? assert.fail(`no ${kind}`);

/** Where objects of that kind are created. */
function pathFor({ apiVersion, kind }: Pick<Manifest, "apiVersion" | "kind">): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const isClusters = kind === "Namespace" || kind === "CustomResourceDefinition";
  return `${group}${isClusters ? "" : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`;
}

/** With one field that is no part of the key set to something else, or left out. */
function changedOf(record: object, parts: readonly string[]): object | undefined {
  const { connectorData, ...others } = record as Readonly<Record<string, unknown>>;
  if (connectorData !== undefined) return others;
  const fields = Object.entries(record);
  const [name, value] =
    fields.find(([, each]) => typeof each === "number") ??
    fields.find(([, each]) => typeof each === "string" && !parts.includes(each)) ??
    [];
  return name === undefined ? undefined : { ...record, [name]: typeof value === "number" ? value + 1000 : `${value}x` };
}

/** Kinds of which an API server before 1.21 has only another version. */
const newerKinds = new Set(["PodDisruptionBudget"]);

/** Paths of what is in `sent` and not in `kept`. */
function missingFrom(kept: unknown, sent: unknown, path = ""): readonly string[] {
  if (typeof sent !== "object" || sent === null) return kept === sent ? [] : [path];
  return Object.entries(sent).flatMap(([key, value]) =>
    missingFrom((kept as Record<string, unknown> | undefined)?.[key], value, `${path}.${key}`),
  );
}

describe("deploy/kubernetes at kube-apiserver", { skip: withoutKubeApiserver }, () => {
  const own = peerFolder("kube-audit");
  const [policy, log] = [join(own.path, "policy.json"), join(own.path, "audit.log")];
  let peer: KubePeer;
  let token = "";

  before(async () => {
    writeFileSync(
      policy,
      JSON.stringify({
        apiVersion: "audit.k8s.io/v1",
        kind: "Policy",
        omitStages: ["RequestReceived"],
        rules: [{ level: "Metadata", users: [`system:serviceaccount:${namespace}:dex`] }, { level: "None" }],
      }),
    );
    peer = await startKubeApiserver([`--audit-policy-file=${policy}`, `--audit-log-path=${log}`]);
    for (const each of manifests) {
      const { status, body } = await peer.call("POST", pathFor(each), each);
      if (status === 404 && newerKinds.has(each.kind)) continue;
      assert.equal(status, 201, `${each.kind} ${each.metadata.name}: ${JSON.stringify(body)}`);
      const { stringData: _, ...sent } = each;
      // What it does not know it drops.
      assert.deepEqual(missingFrom(body, sent), [], `${each.kind} ${each.metadata.name}`);
    }
    const account = `${pathFor(one("ServiceAccount"))}/dex/token`;
    const { body } = await peer.call("POST", account, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" });
    token = z.object({ status: z.object({ token: z.string() }) }).parse(body).status.token;
  });
  after(async () => {
    await peer.stop();
    own.remove();
  });

  const open = (bearer: string): Promise<Storage> =>
    openKubernetes(
      { inCluster: false, kubeConfigFile: peer.kubeconfigOf(bearer, namespace), crdHandling: "check" },
      quietDeps(),
    );

  it("its pods pass the level that the namespace enforces", async (t) => {
    const { template } = z
      .looseObject({ template: z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({})) }) }) })
      .parse(one("Deployment").spec);
    const start = (spec: object) =>
      peer.call("POST", `${pathFor({ apiVersion: "v1", kind: "Pod" })}?dryRun=All`, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "dex" },
        // Without: a server before 1.24 waits for a controller that there is none of here.
        spec: { ...spec, automountServiceAccountToken: false },
      });
    const { status, body } = await start(template.spec);
    assert.equal(status, 201, JSON.stringify(body));
    const containers = template.spec.containers.map(({ securityContext, ...others }) => others);
    if ((await start({ ...template.spec, containers })).status === 201)
      t.skip("optional: an API server before 1.25 knows no levels");
  });

  it("without the role the start says what is missing", async () => {
    await assert.rejects(open(kubeTokens.dex), /403 to GET \w+: .*cannot list resource/);
  });

  runStorageConformance("kubernetes as the deployed account", () => open(token), { versionsConnectors: true });

  it("changes a record of every kind", async () => {
    const storage = await open(token);
    for (const kind of kindNames) {
      const record = makers[kind]();
      const parts = recordKey(kind, record as never);
      const key = parts.length === 2 ? { userId: parts[0], connectorId: parts[1] } : parts[0];
      const changed = changedOf(record, parts);
      // The suite above has changed these.
      if (changed === undefined) continue;
      const of = storage[kind] as unknown as Collection<unknown, object>;
      await of.create(record);
      assert.deepEqual(plain((await of.update(key, () => changed)) as never), plain(changed as never), kind);
      assert.equal(await of.delete(key), true, kind);
    }
    await storage.close();
  });

  it("its role grants what all of that needed, and nothing else", () => {
    const event = z.object({
      verb: z.string(),
      objectRef: z.object({ resource: z.string(), apiGroup: z.string(), namespace: z.string() }).optional(),
      responseStatus: z.object({ code: z.number() }),
    });
    const events = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => event.parse(JSON.parse(line)));
    assert.deepEqual(
      events.filter(({ responseStatus: { code } }) => code === 401 || code === 403),
      [],
    );
    const used = events.flatMap(({ verb, objectRef: at }) =>
      at === undefined ? [] : [`${verb} ${at.resource}.${at.apiGroup} in ${at.namespace}`],
    );
    const rules = z
      .array(z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }))
      .parse(one("Role").rules);
    const granted = rules.flatMap(({ apiGroups, resources: of, verbs }) =>
      apiGroups.flatMap((group) =>
        of.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group} in ${namespace}`)),
      ),
    );
    assert.deepEqual([...new Set(used)].toSorted(), granted.toSorted());
  });
});
