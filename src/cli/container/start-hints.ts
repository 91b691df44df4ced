import { readFileSync } from "node:fs";

/**
 * What OpenSSL reads once, when the process starts; the same as in `bin/dex`. On AMD's processors without AVX-512 IFMA it
 * takes the faster of its codes for RSA (docs/adr: RSA on AMD).
 */
export function startHints(read: () => string = () => readFileSync("/proc/cpuinfo", "utf8")): Record<string, string> {
  let processor = "";
  try {
    processor = read();
  } catch {
    // Not Linux: OpenSSL decides.
  }
  const isWanted = processor.includes("AuthenticAMD") && !processor.includes("avx512ifma");
  return isWanted ? { OPENSSL_ia32cap: ":~0x80000" } : {};
}
