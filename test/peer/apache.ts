import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peerFolder, startPeer } from "./peer.ts";

/** What {@link startApache} needs, beside the modules that a suite names itself. */
export const apachePrograms = { apache2: "apache2" } as const;

const modulesFolder = "/usr/lib/apache2/modules";

/** The file of a module, for `missing`. */
export const apacheModule = (name: string): string => `${modulesFolder}/mod_${name}.so`;

export interface Apache {
  /** What it has written to its log. */
  readonly logFile: string;
  stop(): Promise<void>;
}

export interface ApacheOptions {
  readonly port: number;
  /** Names as in `LoadModule NAME_module`, beside those that every server has. */
  readonly modules: readonly string[];
  /** The rest of the configuration. Workers may read what lies in `folder`, and its `htdocs` are served. */
  configure(folder: string): string;
}

/** Apache httpd on loopback, with nothing of the machine's own configuration. */
export async function startApache({ port, modules, configure }: ApacheOptions): Promise<Apache> {
  const folder = peerFolder("apache");
  const at = (name: string): string => join(folder.path, name);
  for (const name of ["run", "htdocs"]) mkdirSync(at(name));
  const config = [basis(folder.path, port, modules), configure(folder.path)].join("\n");
  writeFileSync(at("httpd.conf"), config, { mode: 0o600 });
  openToWorkers(folder.path, at("run"));
  const peer = await startPeer(
    { command: "apache2", args: ["-d", folder.path, "-f", at("httpd.conf"), "-DFOREGROUND"], logFile: at("out.log") },
    async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0,
  );
  return {
    logFile: at("error.log"),
    async stop() {
      await peer.stop();
      folder.remove();
    },
  };
}

const isRoot = process.getuid?.() === 0;

function basis(folder: string, port: number, modules: readonly string[]): string {
  const loaded = ["mpm_event", "authn_core", "authz_core", ...modules];
  return [
    `ServerRoot ${folder}`,
    `ServerName 127.0.0.1:${port}`,
    `Listen 127.0.0.1:${port}`,
    `PidFile ${folder}/run/httpd.pid`,
    `DefaultRuntimeDir ${folder}/run`,
    "Mutex pthread",
    `ErrorLog ${folder}/error.log`,
    "LogLevel warn",
    `DocumentRoot ${folder}/htdocs`,
    ...loaded.map((name) => `LoadModule ${name}_module ${apacheModule(name)}`),
    "StartServers 1",
    ...(isRoot ? ["User www-data", "Group www-data"] : []),
  ].join("\n");
}

/** Workers are never root, and a temporary folder is its maker's alone. */
function openToWorkers(folder: string, run: string): void {
  chmodSync(folder, 0o711);
  if (!isRoot) return;
  const id = (kind: "-u" | "-g"): number => Number(execFileSync("id", [kind, "www-data"], { encoding: "utf8" }));
  chownSync(run, id("-u"), id("-g"));
}
