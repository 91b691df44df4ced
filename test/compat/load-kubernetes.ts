import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { startFakeKube } from "../fake/kube-api.ts";
import { kubeconfigText, startKubeApiserver, withoutKubeApiserver } from "../peer/kube-apiserver.ts";
import { peerFolder } from "../peer/peer.ts";
import type { Backend, RunningBackend } from "./backends.ts";
import { fixtureFile, fixturesFolder } from "./fixtures.ts";

const object = z.looseObject({
  kind: z.string(),
  apiVersion: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
const list = z.object({ items: z.array(object) });
type KubeObject = z.output<typeof object>;

interface Server {
  call(
    method: "GET" | "POST" | "PUT",
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: object }>;
  /** A kubeconfig file of somebody who may do everything in that namespace. */
  kubeconfig(namespace: string): string;
  stop(): Promise<void>;
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Every database has a namespace of its own. */
function running(server: Server): RunningBackend {
  let loaded = 0;
  return {
    async load(version) {
      const namespace = `fixture-${++loaded}`;
      await server.call("POST", "/api/v1/namespaces", {
        kind: "Namespace",
        apiVersion: "v1",
        metadata: { name: namespace },
      });
      const crds = readList(join(fixturesFolder, version, "kubernetes-crds.json"));
      const plurals = new Map<string, string>();
      for (const { kind, apiVersion, metadata, spec } of crds) {
        const { names } = z.object({ names: z.object({ kind: z.string(), plural: z.string() }) }).parse(spec);
        plurals.set(names.kind, names.plural);
        await server.call("POST", definitions, { kind, apiVersion, metadata: { name: metadata.name }, spec });
      }
      const pathOf = ({ kind }: KubeObject) => `/apis/dex.coreos.com/v1/namespaces/${namespace}/${plurals.get(kind)}`;
      const objects = readList(fixtureFile(version, "kubernetes"));
      for (const each of objects) await post(server, pathOf(each), inNamespace(each, namespace));
      return {
        storage: { type: "kubernetes", config: { kubeConfigFile: server.kubeconfig(namespace) } },
        async reviveCodes() {
          for (const each of objects.filter(({ kind }) => kind === "AuthCode")) {
            const path = `${pathOf(each)}/${each.metadata.name}`;
            const { body } = await server.call("GET", path);
            const { status } = await server.call("PUT", path, { ...body, expiry: "2036-01-01T00:00:00Z" });
            if (status !== 200) throw new Error(`${path}: ${status}`);
          }
        },
        remove: async () => {},
      };
    },
    stop: () => server.stop(),
  };
}

const readList = (file: string): readonly KubeObject[] => list.parse(JSON.parse(readFileSync(file, "utf8"))).items;

const inNamespace = (each: KubeObject, namespace: string): KubeObject => {
  const { uid: _uid, resourceVersion: _version, generation: _generation, ...metadata } = each.metadata;
  return { ...each, metadata: { ...metadata, name: each.metadata.name, namespace } };
};

/** A new resource is served after a moment. */
async function post(server: Server, path: string, body: object): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { status } = await server.call("POST", path, body);
    if (status === 201) return;
    if (attempt === 100) throw new Error(`${path}: ${status}`);
    await wait(50);
  }
}

/** The server that `test/fake` speaks for. */
export const kubernetes: Backend = {
  name: "kubernetes",
  count: 3,
  skip: false,
  async start() {
    const kube = await startFakeKube();
    const folder = peerFolder("kube");
    return running({
      call: (method, path, body) => kube.call(method, path, body),
      kubeconfig(namespace) {
        const file = join(folder.path, `${namespace}.kubeconfig`);
        writeFileSync(file, kubeconfigText(kube.url, "", { token: "admin" }, namespace));
        return file;
      },
      async stop() {
        await kube.close();
        folder.remove();
      },
    });
  },
};

/** The real one. */
export const kubeApiserver: Backend = {
  ...kubernetes,
  skip: withoutKubeApiserver,
  async start() {
    const peer = await startKubeApiserver();
    return running({
      call: (method, path, body) => peer.call(method, path, body),
      kubeconfig: (namespace) => peer.kubeconfigIn(namespace),
      stop: () => peer.stop(),
    });
  },
};
