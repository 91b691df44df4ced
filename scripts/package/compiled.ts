import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, globSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Starts the server of the image's content in `folder` once, as `user`, so that `place` in there holds its code as V8
 * compiled it: a container starts with it, and writes none into the volume of its database. Another user, or another
 * version of Node, does not find it and compiles as ever. @throws {Error} The server does not start.
 */
export async function addCompiledCode(folder: string, place: string, user: number): Promise<void> {
  const compiled = join(folder, place);
  mkdirSync(compiled);
  chownSync(compiled, user, user);
  const env = {
    PATH: `/usr/local/bin:${process.env.PATH ?? ""}`,
    DEX_STORAGE_SQLITE3_CONFIG_FILE: "/tmp/first.db",
    DEX_WEB_HTTP: "127.0.0.1:0",
    DEX_TELEMETRY_HTTP: "127.0.0.1:0",
    DEX_CONNECTORS_ENABLE_MOCK: "1",
  };
  const args = ["docker-entrypoint", "dex", "serve", "/etc/dex/config.docker.yaml"];
  const server = spawn("chroot", [`--userspec=${user}:${user}`, folder, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const isUp = Promise.withResolvers<void>();
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      // The last that it says: what came before was all of the start.
      if (said.includes('msg="keys rotated"')) isUp.resolve();
    });
  }
  void isUp.promise.then(() => server.kill("SIGTERM"));
  const [code] = (await once(server, "close")) as [number | null];
  if (code !== 0) throw new Error(`the server of the image does not start: ${said}`);
  const entries = globSync("**", { cwd: compiled });
  if (entries.length < 2) throw new Error("Node keeps its compiled code in another way than when this was written");
  for (const entry of ["", ...entries]) {
    chownSync(join(compiled, entry), 0, 0);
    chmodSync(join(compiled, entry), 0o755);
  }
  for (const left of readdirSync(join(folder, "tmp"))) rmSync(join(folder, "tmp", left), { recursive: true });
}
