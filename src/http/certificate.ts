import { createHash, X509Certificate } from "node:crypto";
import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import type { Clock, Logger } from "../kernel/ports.ts";
import { millis } from "../kernel/ports.ts";

/** A certificate chain and its private key, PEM. They belong together: {@link openCertificate} checked it. */
export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly notAfter: Date;
}

/** A pair of files that is followed as they change. */
export interface Certificate {
  readonly current: () => CertificatePair;
  /** Reads the files now. Never rejects: what is wrong is logged and the last good pair stays. */
  reload(): Promise<void>;
  close(): void;
}

export interface CertificateOptions {
  readonly certFile: string;
  readonly keyFile: string;
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
}

/**
 * Opens the pair and follows it by content, so it does not matter how it is replaced: written in place, renamed
 * over, or, as Kubernetes does, by swapping a link in the folder (`..data`), of which no event carries the
 * file's name. Looks every five seconds, soon after the folder changes, and on {@link Certificate.reload}.
 * A pair that is half replaced or broken is never served: Dex fails every handshake then.
 *
 * @throws {Error} The files cannot be read, or are no pair.
 */
export async function openCertificate(options: CertificateOptions): Promise<Certificate> {
  const { certFile, keyFile, clock, logger } = options;
  const names = { certFile, keyFile };
  const stop = new AbortController();
  let seen = await readBytes(certFile, keyFile);
  let current = parsePair(seen, certFile);
  let complaint = "";
  const complain = (about: string, cause: unknown): void => {
    // Once per state of the files: a broken pair must not fill the log while it waits to be repaired.
    if (about === complaint) return;
    complaint = about;
    logger.error("reload TLS config", names, cause);
  };
  const look = async (): Promise<void> => {
    let found: Bytes;
    try {
      found = await readBytes(certFile, keyFile);
    } catch (cause) {
      complain("unreadable", cause);
      return;
    }
    if (found.cert.equals(seen.cert) && found.key.equals(seen.key)) {
      complaint = "";
      return;
    }
    try {
      current = parsePair(found, certFile);
    } catch (cause) {
      complain(createHash("sha256").update(found.cert).update(found.key).digest("hex"), cause);
      return;
    }
    seen = found;
    complaint = "";
    options.onChange(current);
    logger.info("TLS certificate reloaded", { ...names, notAfter: current.notAfter });
  };
  let last = Promise.resolve();
  const reload = (): Promise<void> => {
    // One at a time, or an older reading could overtake a newer one.
    last = last.then(look);
    return last;
  };
  void poll(clock, reload, stop.signal);
  const watchers = watchFolders([certFile, keyFile], clock, reload, stop.signal);
  return {
    current: () => current,
    reload,
    close() {
      stop.abort();
      for (const watcher of watchers) watcher.close();
    },
  };
}

const readBytes = async (certFile: string, keyFile: string): Promise<Bytes> => ({
  cert: await readFile(certFile),
  key: await readFile(keyFile),
});

function parsePair({ cert, key }: Bytes, certFile: string): CertificatePair {
  try {
    // OpenSSL itself parses the chain and refuses a key that is not the certificate's.
    createSecureContext({ cert, key });
    return { cert, key, notAfter: new X509Certificate(cert).validToDate };
  } catch (cause) {
    throw new Error(`${certFile} and its key cannot be used`, { cause });
  }
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
