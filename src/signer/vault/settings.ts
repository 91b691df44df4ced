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
  /** PEM texts; without them the system's authorities count. */
  readonly rootCAs?: readonly string[];
  readonly clientCertificate?: { readonly cert: string; readonly key: Secret };
  readonly insecureSkipVerify?: boolean;
}
