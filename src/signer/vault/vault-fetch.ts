import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { certificatesIn } from "../../kernel/authorities.ts";
import { type Clock, type Logger, type Millis, millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import type { OpenUpstreamFetch, UpstreamOptions } from "../../kernel/upstream-fetch.ts";
import type { VaultTls } from "./settings.ts";

/** How Vault is reached: with the certificates that its files hold now. */
export interface VaultFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Follows the files until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface VaultFetchOptions {
  readonly tls: VaultTls;
  readonly timeout: Millis;
  readonly openFetch: OpenUpstreamFetch;
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookEvery = millis(10_000);
const mostBytes = 4 * 1024 * 1024;

/** @throws {Error} A file cannot be read, or key and certificate are no pair. */
export async function openVaultFetch(options: VaultFetchOptions): Promise<VaultFetch> {
  const { tls, timeout, clock, logger, closing } = options;
  const { serverName, insecureSkipVerify } = tls;

  const open = (read: TlsTexts) => {
    const replaced = new AbortController();
    const fetch = options.openFetch(
      { deadline: timeout, maxBody: mostBytes, insecureSkipVerify, ...(serverName && { serverName }), ...read },
      { dependency: "signer", closing: AbortSignal.any([closing, replaced.signal]) },
    );
    return { fetch, close: () => replaced.abort(), key: keyOf(read) };
  };
  let current = open(await readTls(tls));
  let complaint = "";

  const look = async (): Promise<void> => {
    try {
      const read = await readTls(tls);
      complaint = "";
      if (keyOf(read) === current.key) return;
      const before = current;
      current = open(read);
      logger.info("certificates for vault reloaded");
      // Calls that are under way end on the connections they have.
      clock.sleep(timeout, closing).then(before.close, before.close);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Once: files that are half replaced must not fill the log until they are whole.
      if (reason !== complaint) logger.error("failed to reload certificates for vault", {}, error);
      complaint = reason;
    }
  };

  return {
    fetch: (input, init) => current.fetch(input, init),
    async run(signal) {
      if (!namesFiles(tls)) return;
      while (!signal.aborted) {
        await clock.sleep(lookEvery, signal).catch(() => undefined);
        if (!signal.aborted) await look();
      }
    },
  };
}

type TlsTexts = Pick<UpstreamOptions, "rootCAs" | "clientCertificate">;

const namesFiles = ({ caCert, caPath, clientCert }: VaultTls): boolean =>
  [caCert, caPath, clientCert].some((path) => path !== "");

/** What has to differ for connections to be made anew. */
const keyOf = ({ rootCAs, clientCertificate }: TlsTexts): string =>
  JSON.stringify([rootCAs, clientCertificate?.cert, clientCertificate?.key.reveal()]);

async function readTls(tls: VaultTls): Promise<TlsTexts> {
  const rootCAs = await readAuthorities(tls);
  const { clientCert, clientKey } = tls;
  const clientCertificate =
    clientCert === "" ? undefined : { cert: await textOf(clientCert), key: new Secret(await textOf(clientKey)) };
  try {
    // OpenSSL refuses a key that is not the certificate's: a pair that is half replaced is none.
    if (clientCertificate !== undefined)
      createSecureContext({ cert: clientCertificate.cert, key: clientCertificate.key.reveal() });
  } catch (cause) {
    throw new Error(`${clientCert} and ${clientKey} cannot be used`, { cause });
  }
  return { ...(rootCAs && { rootCAs }), ...(clientCertificate && { clientCertificate }) };
}

/** compat(dex): a file goes before the text, and both before the folder, as in the client library. */
async function readAuthorities({ caCert, caBytes, caPath }: VaultTls): Promise<readonly string[] | undefined> {
  if (caCert !== "") return certificatesOf(caCert, await textOf(caCert));
  if (caBytes !== "") return certificatesOf("the authorities for vault", caBytes);
  if (caPath === "") return undefined;
  const files = await readdir(caPath, { withFileTypes: true }).catch((cause: unknown) => unreadable(caPath, cause));
  const texts = files.filter((file) => !file.isDirectory()).map(({ name }) => textOf(join(caPath, name)));
  return certificatesOf(caPath, (await Promise.all(texts)).join("\n"));
}

/** An empty bundle would let nobody in, and say nothing of it. */
function certificatesOf(where: string, text: string): readonly string[] {
  const found = certificatesIn(text);
  if (found.length === 0) throw new Error(`${where}: no certificate in it`);
  return found;
}

const textOf = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((cause: unknown) => unreadable(file, cause));

function unreadable(path: string, cause: unknown): never {
  throw new Error(`${path} cannot be read`, { cause });
}
