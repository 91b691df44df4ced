import { Secret } from "../../../kernel/secret.ts";
import type { EtcdConfig } from "../etcd.ts";

/** Settings with everything empty that `change` does not name. */
export const etcdSettings = (endpoints: readonly string[], change: Partial<EtcdConfig> = {}): EtcdConfig => ({
  endpoints: [...endpoints],
  namespace: "",
  username: "",
  password: new Secret(""),
  ssl: { serverName: "", caFile: "", certFile: "", keyFile: "" },
  ...change,
});
