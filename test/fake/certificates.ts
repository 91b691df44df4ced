import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A self-signed authority and what it signs, all real and all new. */
export interface Authority extends Pair {
  /** A certificate for 127.0.0.1, `localhost` and `names`, good for `days`. */
  issue(names?: readonly string[], days?: number): Pair;
}

const keyKind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function newAuthority(): Authority {
  const ca = inFolder((folder) => {
    openssl(folder, [
      "req",
      "-x509",
      ...keyKind,
      "-keyout",
      "key",
      "-out",
      "cert",
      "-days",
      "30",
      "-subj",
      "/CN=Test CA",
    ]);
    return readPair(folder);
  });
  return {
    ...ca,
    issue: (names = [], days = 10) =>
      inFolder((folder) => {
        writeFileSync(join(folder, "ca.crt"), ca.cert);
        writeFileSync(join(folder, "ca.key"), ca.key);
        const alternatives = [
          "IP:127.0.0.1",
          "DNS:localhost",
          ...names.map((name) => `${isIP(name) === 0 ? "DNS" : "IP"}:${name}`),
        ].join(",");
        writeFileSync(join(folder, "ext"), `subjectAltName=${alternatives}\n`);
        openssl(folder, [
          "req",
          ...keyKind,
          "-keyout",
          "key",
          "-out",
          "csr",
          "-subj",
          `/CN=${names[0] ?? "localhost"}`,
        ]);
        const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext"];
        openssl(folder, ["x509", "-req", "-in", "csr", "-out", "cert", "-days", String(days), ...signed]);
        return readPair(folder);
      }),
  };
}

const openssl = (cwd: string, args: readonly string[]): void => {
  execFileSync("openssl", args, { cwd, stdio: "ignore" });
};

const readPair = (folder: string): Pair => ({
  cert: readFileSync(join(folder, "cert"), "utf8"),
  key: readFileSync(join(folder, "key"), "utf8"),
});

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "dex-pki-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
