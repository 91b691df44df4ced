import { readFileSync } from "node:fs";

/**
 * What libraries read once, when the process starts; the same as in `bin/dex`. The C library keeps two pools of memory
 * instead of eight a core, which fill up and are given back to nobody. On AMD's processors without AVX-512 IFMA OpenSSL
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
  return { MALLOC_ARENA_MAX: "2", ...(isWanted ? { OPENSSL_ia32cap: ":~0x80000" } : {}) };
}
