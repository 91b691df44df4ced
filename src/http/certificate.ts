import { X509Certificate } from "node:crypto";
import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { createTurns } from "../kernel/in-turn.ts";
import type { Clock, Logger } from "../kernel/ports.ts";
import { millis } from "../kernel/ports.ts";
import { noChange, type Prepared } from "../kernel/prepared.ts";

/** A certificate chain and its private key, PEM. They belong together: {@link openCertificate} checked it. */
export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Whose certificates clients must show, where they must. */
  readonly clientCa?: Buffer;
  readonly notAfter: Date;
}

/** A pair of files that is followed as they change. */
export interface Certificate {
  readonly current: () => CertificatePair;
  /** Reads the files now. @throws {Error} They hold no pair that can be used, though the last good one goes on. */
  prepare(): Promise<Prepared>;
  close(): void;
}

export interface CertificateOptions {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM bundle of the authorities of clients, followed with the pair. */
  readonly clientCaFile?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each new pair, not with the first. */
  readonly onChange: (pair: CertificatePair) => void;
}

const pollEvery = millis(5_000);
/** Between the first sign of a change and reading: certificate and key are rarely replaced in one step. */
const settle = millis(200);

interface Bytes {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa?: Buffer;
}

/**
 * Opens the pair and follows it by content, so it does not matter how it is replaced: written in place, renamed
 * over, or, as Kubernetes does, by swapping a link in the folder (`..data`), of which no event carries the
 * file's name. Looks every five seconds, soon after the folder changes, and on {@link Certificate.prepare}. What is wrong
 * then is logged, and the last good pair stays.
 * A pair that is half replaced or broken is never served: Dex fails every handshake then.
 *
 * @throws {Error} The files cannot be read, or are no pair.
 */
export async function openCertificate(options: CertificateOptions): Promise<Certificate> {
  const { certFile, keyFile, clientCaFile, clock, logger } = options;
  const names = { certFile, keyFile, ...(clientCaFile === undefined ? {} : { clientCaFile }) };
  const stop = new AbortController();
  let seen = await readBytes(names);
  let current = parsePair(seen, certFile);
  let complaint = "";
  const complain = (error: unknown): void => {
    const about = error instanceof Error ? `${error.message} ${error.cause}` : String(error);
    // Once per state of the files: a broken pair must not fill the log while it waits to be repaired.
    if (about === complaint) return;
    complaint = about;
    logger.error("reload TLS config", names, error);
  };
  /** Undefined: the files hold what is in use. @throws {Error} They cannot be read, or are no pair. */
  const read = async (): Promise<(() => void) | undefined> => {
    const found = await readBytes(names);
    if (isSame(found, seen)) return undefined;
    const pair = parsePair(found, certFile);
    return () => {
      seen = found;
      current = pair;
      options.onChange(pair);
      logger.info("TLS certificate reloaded", { ...names, notAfter: pair.notAfter });
    };
  };
  const look = async (): Promise<void> => {
    try {
      const use = await read();
      complaint = "";
      use?.();
    } catch (error) {
      complain(error);
    }
  };
  // One at a time, or an older reading could overtake a newer one.
  const inTurn = createTurns();
  const reload = (): Promise<void> => inTurn(look);
  void poll(clock, reload, stop.signal);
  const watchers = watchFolders(Object.values(names), clock, reload, stop.signal);
  return {
    current: () => current,
    prepare: async () => {
      const use = await inTurn(read);
      return { ...noChange, commit: () => use?.() };
    },
    close() {
      stop.abort();
      for (const watcher of watchers) watcher.close();
    },
  };
}

interface Names {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

const readBytes = async ({ certFile, keyFile, clientCaFile }: Names): Promise<Bytes> => ({
  cert: await readFile(certFile),
  key: await readFile(keyFile),
  ...(clientCaFile === undefined ? {} : { clientCa: await readFile(clientCaFile) }),
});

const nothing = Buffer.alloc(0);

const isSame = (one: Bytes, other: Bytes): boolean =>
  one.cert.equals(other.cert) &&
  one.key.equals(other.key) &&
  (one.clientCa ?? nothing).equals(other.clientCa ?? nothing);

function parsePair({ cert, key, clientCa }: Bytes, certFile: string): CertificatePair {
  try {
    // OpenSSL itself parses the chain and refuses a key that is not the certificate's.
    createSecureContext({ cert, key });
    if (clientCa !== undefined) checkAuthorities(clientCa);
    const { validToDate: notAfter } = new X509Certificate(cert);
    return { cert, key, ...(clientCa === undefined ? {} : { clientCa }), notAfter };
  } catch (cause) {
    throw new Error(`${certFile} and its key cannot be used`, { cause });
  }
}

/** OpenSSL takes a bundle that holds no certificate, and would then let nobody in. */
function checkAuthorities(bundle: Buffer): void {
  const certificates = bundle.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (certificates === null) throw new Error("failed to parse client CA");
  for (const certificate of certificates) new X509Certificate(certificate);
}

async function poll(clock: Clock, reload: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(pollEvery, signal);
    } catch {
      return;
    }
    await reload();
  }
}

/** Folders, because a watched file is lost when another is renamed over it. Polling covers what this misses. */
function watchFolders(
  files: readonly string[],
  clock: Clock,
  reload: () => Promise<void>,
  signal: AbortSignal,
): readonly FSWatcher[] {
  let isPending = false;
  const onEvent = (): void => {
    if (isPending) return;
    isPending = true;
    clock.sleep(settle, signal).then(
      () => {
        isPending = false;
        void reload();
      },
      () => undefined,
    );
  };
  const watchers: FSWatcher[] = [];
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    try {
      const watcher = watch(folder, { persistent: false }, onEvent);
      watcher.on("error", () => watcher.close());
      watchers.push(watcher);
    } catch {
      // Out of inotify watches, or a file system without them.
    }
  }
  return watchers;
}
