import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";

/** Both services as `proto/` describes them. */
export interface Services {
  readonly dex: ServiceDefinition;
  readonly admin: ServiceDefinition;
  /** Everything there is, for reflection. */
  readonly all: PackageDefinition;
}

const folder = fileURLToPath(new URL("../../proto/", import.meta.url));

/** Reads the protocol once, at the start. Messages come out as `*-messages.ts` says: every field there, names as on the wire. */
export function loadServices(): Services {
  const all = loadSync(["api.proto", "admin.proto"], {
    includeDirs: [folder],
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  return { dex: serviceOf(all, "api.Dex"), admin: serviceOf(all, "dexts.Admin"), all };
}

function serviceOf(all: PackageDefinition, name: string): ServiceDefinition {
  const found = all[name];
  if (found === undefined || "format" in found) throw new Error(`proto/ describes no service ${name}`);
  // The loader's own shape of a service is the one that the server takes; only its types are apart.
  return found as ServiceDefinition;
}
