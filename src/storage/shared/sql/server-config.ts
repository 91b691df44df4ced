import { z } from "zod";
import { Secret } from "../../../kernel/secret.ts";
import type { PoolLimits } from "./pool.ts";

/** What `storage.config` says of every database server. compat(dex): storage/sql/config.go. */
export const serverConfig = {
  host: z.string().default(""),
  port: z.number().int().min(0).max(65_535).default(0),
  database: z.string().default(""),
  user: z.string().default(""),
  password: z
    .instanceof(Secret)
    .default(new Secret(""))
    .transform((secret) => new Secret(String(secret.reveal()))),
  connectionTimeout: z.number().int().default(0),
  maxOpenConns: z.number().int().default(0),
  maxIdleConns: z.number().int().default(0),
  connMaxLifetime: z.number().int().default(0),
  /** Dex's other set of tables. */
  ent: z.boolean().default(false),
};

export const sslFiles = {
  caFile: z.string().default(""),
  certFile: z.string().default(""),
  keyFile: z.string().default(""),
};

/** Milliseconds: what no honest statement takes. */
export const statementTimeout = 10_000;

/** Milliseconds to wait for a connection. 0 waits for ever in Dex; here a dead database answers in time. */
export const connectTimeoutOf = ({ connectionTimeout }: { readonly connectionTimeout: number }): number =>
  connectionTimeout > 0 ? connectionTimeout * 1000 : 5_000;

export function limitsOf(config: {
  readonly maxOpenConns: number;
  readonly maxIdleConns: number;
  readonly connMaxLifetime: number;
  readonly connectionTimeout: number;
}): PoolLimits {
  const maxOpen = config.maxOpenConns > 0 ? config.maxOpenConns : 5;
  return {
    maxOpen,
    maxIdle: config.maxIdleConns > 0 ? Math.min(config.maxIdleConns, maxOpen) : maxOpen,
    maxLifetime: Math.max(0, config.connMaxLifetime) * 1000,
    maxWaiting: 2048,
    waitTimeout: connectTimeoutOf(config),
    statementTimeout: statementTimeout + 1_000,
  };
}
