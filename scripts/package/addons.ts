import { cpSync, existsSync, globSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

/** Packages that stay packages: a native library cannot be put into a chunk. */
export const addons = ["@node-rs/bcrypt", "kerberos"];

/**
 * Copies the native addons into `folder`/node_modules: bcrypt with its builds for the platforms that npm installed,
 * and Kerberos where it is installed, without the sources and objects that its build left.
 */
export function copyAddons(root: string, folder: string): void {
  const from = join(root, "node_modules");
  const to = join(folder, "node_modules");
  const builds = readdirSync(join(from, "@node-rs")).filter((name) => name.startsWith("bcrypt-"));
  if (builds.length === 0) throw new Error("npm installed no build of @node-rs/bcrypt for this platform");
  for (const name of ["bcrypt", ...builds]) {
    cpSync(join(from, "@node-rs", name), join(to, "@node-rs", name), { recursive: true, dereference: true });
  }
  const kerberos = join(from, "kerberos");
  if (!existsSync(join(kerberos, "build/Release/kerberos.node"))) return;
  for (const path of [
    "package.json",
    "LICENSE",
    "build/Release/kerberos.node",
    ...globSync("lib/**/*.js", { cwd: kerberos }),
  ]) {
    cpSync(join(kerberos, path), join(to, basename(kerberos), path), { recursive: true });
  }
}
