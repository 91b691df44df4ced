import type { Config } from "../config/config.ts";
import type { StorageDeps, StorageReport } from "../storage/contract.ts";
import { type CopiedKind, copyStorage } from "../storage/copy-storage.ts";
import { inspectStorage, openBareStorage } from "./open-storage.ts";

/** Looks at a configuration's database and writes nothing. @throws {Error} It cannot be reached or read. */
export function checkStorage(config: Config, deps: StorageDeps): Promise<StorageReport> {
  refuseMemory(config);
  return inspectStorage(config, deps);
}

/** Carries the records of one configuration's database into another's. @throws {Error} One of them cannot be opened. */
export async function copyStorages(
  from: Config,
  to: Config,
  deps: StorageDeps,
  onProgress: (kind: string, done: number, total: number) => void,
): Promise<readonly CopiedKind[]> {
  refuseMemory(from);
  refuseMemory(to);
  const source = await openBareStorage(from, deps);
  try {
    const target = await openBareStorage(to, deps);
    try {
      return await copyStorage({ from: source, to: target, onProgress });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function refuseMemory({ storage }: Config): void {
  if (storage.type === "memory")
    throw new Error("storage.type memory: outside the running server there is nothing to look at or to copy");
}
