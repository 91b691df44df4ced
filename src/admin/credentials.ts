import { ServerCredentials } from "@grpc/grpc-js";
import type { CertificatePair } from "../http/certificate.ts";
import { ciphers } from "../http/listener.ts";

/** What TLS is spoken with. With `clientCa` in the pair every client must show a certificate of one of those authorities. */
export interface AdminTls {
  readonly minVersion: "1.2" | "1.3";
  readonly maxVersion?: "1.2" | "1.3";
}

/** A certificate that can be replaced while the server runs. The library's own are fixed. */
export class ReplaceableCredentials extends ServerCredentials {
  readonly #tls: AdminTls;

  constructor(pair: CertificatePair, tls: AdminTls) {
    const isMutual = pair.clientCa !== undefined;
    super({ requestCert: isMutual, rejectUnauthorized: isMutual }, contextOf(pair, tls));
    this.#tls = tls;
  }

  /** New handshakes use it; open connections keep what they have. */
  replace(pair: CertificatePair): void {
    this.updateSecureContextOptions(contextOf(pair, this.#tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

const contextOf = ({ cert, key, clientCa }: CertificatePair, { minVersion, maxVersion }: AdminTls) => ({
  cert,
  key,
  ...(clientCa === undefined ? {} : { ca: clientCa }),
  ciphers,
  minVersion: `TLSv${minVersion}` as const,
  ...(maxVersion === undefined ? {} : { maxVersion: `TLSv${maxVersion}` as const }),
});
