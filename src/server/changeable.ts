import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";

/** Sections that a running server keeps: other processes, open sockets, or everything that was ever issued hang on them. */
const fixedSections = [
  "issuer",
  "storage",
  "telemetry",
  "grpc",
  "signer",
  "logger",
  "signup",
  "mail",
  "flags",
] as const;
const fixedWeb = [
  "http",
  "https",
  "tlsCert",
  "tlsKey",
  "tlsMinVersion",
  "tlsMaxVersion",
  "workers",
  "shutdownDelay",
] as const;

/** A new configuration as far as it can be taken over, and what of it cannot, by key path. */
export interface Changeable {
  readonly effective: Config;
  readonly ignored: readonly string[];
}

/** Splits what `next` asks of a server that runs with `running`. */
export function changeable(running: Config, next: Config): Changeable {
  const ignored = [
    ...fixedSections.filter((key) => !isDeepStrictEqual(running[key], next[key])),
    ...fixedWeb.filter((key) => running.web[key] !== next.web[key]).map((key) => `web.${key}`),
    // Retired keys stay public as long as the longest token that they signed.
    ...(running.expiry.idTokens === next.expiry.idTokens ? [] : ["expiry.idTokens"]),
  ];
  const kept = Object.fromEntries(fixedSections.map((key) => [key, running[key]]));
  const listeners = Object.fromEntries(
    fixedWeb.filter((key) => key in running.web).map((key) => [key, running.web[key]]),
  );
  const { http: _http, https: _https, tlsCert: _cert, tlsKey: _key, tlsMaxVersion: _max, ...web } = next.web;
  const effective: Config = {
    ...next,
    ...kept,
    issuerPath: running.issuerPath,
    web: { ...web, ...listeners },
    expiry: { ...next.expiry, idTokens: running.expiry.idTokens },
  };
  return { effective, ignored };
}
