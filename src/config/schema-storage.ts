import { z } from "zod";
import { integer, secretText, text, texts } from "./vocabulary.ts";

/** `storage.config` of each storage type. compat(dex): storage/sql/config.go, storage/etcd, storage/kubernetes. */

const sqlSsl = (modes: readonly string[], fallback: string) =>
  z
    .object({
      mode: text(`How the connection is secured; "${fallback}" when empty.`, modes),
      caFile: text("PEM file with the authorities that may have signed the server's certificate."),
      certFile: text("PEM file with the certificate we show to the server."),
      keyFile: text("PEM file with that certificate's private key."),
    })
    .prefault({})
    .meta({ description: "TLS towards the database." });

const network = {
  host: text("Host name, `host:port`, or the path of a Unix socket (PostgreSQL: of its directory)."),
  port: integer("Port, where `host` names none. 0 means the database's usual one.", 0, 65_535),
  database: text("Name of the database."),
  user: text("Name of the database role."),
  password: secretText("Password of the database role."),
  connectionTimeout: integer("Seconds to wait for a connection; 0 waits as long as the system does."),
  maxOpenConns: integer("Connections at most; 0 means 5."),
  maxIdleConns: integer("Idle connections kept open; 0 means the driver's default."),
  connMaxLifetime: integer("Seconds after which a connection is replaced; 0 keeps it."),
};

const postgresModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const mysqlModes = ["true", "false", "skip-verify", "preferred", "custom"];

export const storageSchemas = {
  memory: z.object({}),
  sqlite3: z.object({
    file: text("Path of the database file, `:memory:`, or a `file:` URI. Empty: a private temporary database."),
  }),
  postgres: z.object({ ...network, ssl: sqlSsl(postgresModes, "verify-full") }),
  mysql: z.object({ ...network, ssl: sqlSsl(mysqlModes, "true") }),
  etcd: z.object({
    endpoints: texts("Addresses of the etcd members."),
    namespace: text("Put before every key as it is, without a separator."),
    username: text("Name for etcd's own authentication."),
    password: secretText("Password for etcd's own authentication."),
    ssl: z
      .object({
        serverName: text("The name the server's certificate must carry, if not the endpoint's."),
        caFile: text("PEM file with the authorities that may have signed the server's certificate."),
        certFile: text("PEM file with the certificate we show to the server."),
        keyFile: text("PEM file with that certificate's private key."),
      })
      .prefault({})
      .meta({ description: "TLS towards etcd." }),
  }),
  kubernetes: z.object({
    inCluster: z
      .boolean()
      .default(false)
      .meta({ description: "Use the pod's service account. Exactly one of this and `kubeConfigFile`." }),
    kubeConfigFile: text("Path of a kubeconfig file."),
    crdHandling: text("What to do about missing custom resource definitions; `ensure` creates them.", [
      "ensure",
      "check",
    ]),
  }),
} as const;

export type StorageType = keyof typeof storageSchemas;

export const isStorageType = (type: string): type is StorageType => Object.hasOwn(storageSchemas, type);
