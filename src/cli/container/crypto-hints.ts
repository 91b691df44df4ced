import { readFileSync } from "node:fs";

/**
 * What OpenSSL is to know of the processor from its first moment: as in `bin/dex`, on AMD's without AVX-512 IFMA the
 * faster of its codes for RSA. docs/adr: RSA on AMD.
 */
export function cryptoHints(read: () => string = () => readFileSync("/proc/cpuinfo", "utf8")): Record<string, string> {
  let processor = "";
  try {
    processor = read();
  } catch {
    // Not Linux: OpenSSL decides.
  }
  const isWanted = processor.includes("AuthenticAMD") && !processor.includes("avx512ifma");
  return isWanted ? { OPENSSL_ia32cap: ":~0x80000" } : {};
}
