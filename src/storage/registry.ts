import type { StorageType } from "./contract.ts";

/** Every storage, by its `storage.type`. Loaded when configured. */
export const storageTypes = {
  memory: async () => (await import("./memory/memory.ts")).memory,
  etcd: async () => (await import("./etcd/etcd.ts")).etcd,
  mysql: async () => (await import("./mysql/mysql.ts")).mysql,
  postgres: async () => (await import("./postgres/postgres.ts")).postgres,
  kubernetes: async () => (await import("./kubernetes/kubernetes.ts")).kubernetes,
  sqlite3: async () => (await import("./sqlite/sqlite.ts")).sqlite3,
} satisfies Readonly<Record<string, () => Promise<StorageType>>>;
