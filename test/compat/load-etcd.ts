import { readFileSync } from "node:fs";
import { z } from "zod";
import { etcdPrograms, startEtcd } from "../peer/etcd.ts";
import { missing } from "../peer/peer.ts";
import type { Backend } from "./backends.ts";
import { fixtureFile } from "./fixtures.ts";

const pairs = z.array(z.object({ key: z.string(), value: z.string() }));
const text = (base64: string): string => Buffer.from(base64, "base64").toString();
const base64 = (value: string): string => Buffer.from(value).toString("base64");

/** One server for all; each database has a namespace of its own in the place of Dex's. */
export const etcd: Backend = {
  name: "etcd",
  count: 5,
  skip: missing(etcdPrograms),
  async start() {
    const peer = await startEtcd();
    let loaded = 0;
    return {
      async load(version) {
        const namespace = `${++loaded}/`;
        const found = pairs.parse(JSON.parse(readFileSync(fixtureFile(version, "etcd"), "utf8")));
        const entries = found.map(({ key, value }) => [text(key).replace(/^dex\//, namespace), text(value)] as const);
        const put = (key: string, value: string) => peer.call("kv/put", { key: base64(key), value: base64(value) });
        for (const [key, value] of entries) await put(key, value);
        return {
          storage: { type: "etcd", config: { endpoints: [peer.endpoint], namespace } },
          async reviveCodes() {
            for (const [key, value] of entries) {
              if (!key.startsWith(`${namespace}auth_code/`)) continue;
              await put(key, JSON.stringify({ ...JSON.parse(value), expiry: "2036-01-01T00:00:00Z" }));
            }
          },
          remove: async () => {},
        };
      },
      stop: () => peer.stop(),
    };
  },
};
