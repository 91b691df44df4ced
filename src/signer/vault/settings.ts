import type { Millis } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";

/** How we prove to Vault who we are. Mounts are paths below `auth/`, without it. */
export type VaultLogin =
  | { readonly method: "token"; readonly token: Secret }
  /** A file that somebody keeps fresh, such as an agent's sink. */
  | { readonly method: "tokenFile"; readonly file: string }
  | { readonly method: "kubernetes"; readonly mount: string; readonly role: string; readonly tokenFile: string }
  | {
      readonly method: "appRole";
      readonly mount: string;
      readonly roleId: string;
      /** A file is read at every login, so that its content may change. */
      readonly secretId: Secret | { readonly file: string };
    };

/** One Transit key of HashiCorp Vault or OpenBao. */
export interface VaultSettings {
  /** `http://` or `https://`, perhaps with a path in front of `/v1`. */
  readonly address: URL;
  /** Where the Transit engine is mounted. */
  readonly mount: string;
  readonly keyName: string;
  readonly namespace?: string;
  readonly login: VaultLogin;
  /** For one call, whatever happens. */
  readonly timeout: Millis;
  readonly tls: VaultTls;
}

/** Paths of PEM files, which are followed as they change; an empty one is absent. */
export interface VaultTls {
  /** Whose certificates count for Vault's; without any of the three the system's authorities. */
  readonly caCert: string;
  /** The same as a text. */
  readonly caBytes: string;
  /** The same as a folder of files. */
  readonly caPath: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** The name that Vault's certificate must carry; empty: that of the address. */
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}
