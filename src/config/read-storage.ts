import type { z } from "zod";
import { quoteGo } from "../kernel/go-quote.ts";
import { didYouMean } from "./did-you-mean.ts";
import { expandedBlock, type Reading } from "./reading.ts";
import { isStorageType, type StorageType, storageSchemas } from "./schema-storage.ts";

/** The storage's type and that type's own settings. */
export type StorageConfig = {
  readonly [Type in StorageType]: {
    readonly type: Type;
    readonly config: Readonly<z.output<(typeof storageSchemas)[Type]>>;
  };
}[StorageType];

/** Undefined: absent or refused. */
export function readStorage(reading: Reading): StorageConfig | undefined {
  const { file, findings } = reading;
  if (file.storage === undefined) return undefined;
  const type = file.storage?.type ?? "";
  if (!isStorageType(type)) {
    const meant = didYouMean(type, Object.keys(storageSchemas));
    const more =
      meant === undefined ? { hint: `one of ${Object.keys(storageSchemas).join(", ")}` } : { didYouMean: meant };
    findings.refuse("decode", "storage.type", `unknown storage type ${quoteGo(type)}`, more);
    return undefined;
  }
  return readBlock(reading, type);
}

function readBlock(reading: Reading, type: StorageType): StorageConfig | undefined {
  const { findings } = reading;
  const block = expandedBlock(reading, "storage.config");
  if (block === undefined) return undefined;
  const at = "storage.config";
  const parse = <Schema extends z.ZodType>(schema: Schema): z.output<Schema> =>
    schema.parse(reading.aligner.object(block, schema, at));
  switch (type) {
    case "memory":
      return { type, config: {} };
    case "sqlite3":
      return { type, config: parse(storageSchemas.sqlite3) };
    case "postgres":
      return { type, config: parse(storageSchemas.postgres) };
    case "mysql":
      return { type, config: parse(storageSchemas.mysql) };
    case "etcd": {
      const config = parse(storageSchemas.etcd);
      if (config.endpoints.length === 0) {
        findings.refuse("setup", "storage.config.endpoints", "failed to initialize storage: no etcd endpoint is named");
      }
      return { type, config };
    }
    case "kubernetes": {
      const config = parse(storageSchemas.kubernetes);
      checkKubernetes(reading, config);
      return { type, config };
    }
    default:
      return type satisfies never;
  }
}

function checkKubernetes({ findings }: Reading, config: z.output<typeof storageSchemas.kubernetes>): void {
  const hasFile = config.kubeConfigFile !== "";
  if (config.inCluster !== hasFile) return;
  const message = hasFile
    ? "cannot specify both 'inCluster' and 'kubeConfigFile'"
    : "must specify either 'inCluster' or 'kubeConfigFile'";
  findings.refuse("setup", "storage.config", `failed to initialize storage: ${message}`);
}
