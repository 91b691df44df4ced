/**
 * The entry point of the container image: renders a templated configuration, then becomes the server, which gets its
 * process id and every signal.
 */
import { tmpdir } from "node:os";
import { startOf } from "./entrypoint.ts";
import { startHints } from "./start-hints.ts";

try {
  const place = { env: process.env, configFolder: "/etc/dex", temporary: tmpdir() };
  const { file, args } = startOf(process.argv.slice(2), place);
  if (process.execve === undefined) throw new Error("this system cannot replace a process");
  process.execve(file, [...args], { ...startHints(), ...process.env });
} catch (error) {
  // compat(dex): on standard output.
  process.stdout.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
