import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, freePort, peerFolder, startPeer } from "./peer.ts";

export const apachePrograms = { apache2: "apache2", htpasswd: "apache2-utils" } as const;

/** Apache httpd in front of our server: asks for jane/foo or john/bar on one path, and says who it was. */
export interface ApacheProxy {
  readonly port: number;
  stop(): Promise<void>;
}

const people = { jane: "foo", john: "bar" };

/** `protectedPath`: the one that needs a password, and the only one that carries headers. */
export async function startApacheProxy(upstreamPort: number, protectedPath: string): Promise<ApacheProxy> {
  const folder = peerFolder("apache");
  const at = (name: string): string => join(folder.path, name);
  const port = await freePort();
  // Its workers run as somebody else and must get in.
  chmodSync(folder.path, 0o755);
  mkdirSync(at("run"));
  mkdirSync(at("htdocs"));
  writeFileSync(at("users"), "");
  for (const [name, password] of Object.entries(people))
    execFileSync(findProgram("htpasswd") ?? "htpasswd", ["-bB", at("users"), name, password], { stdio: "ignore" });
  writeFileSync(at("httpd.conf"), configuration(folder.path, port, upstreamPort, protectedPath));
  const peer = await startPeer(
    { command: "apache2", args: ["-d", folder.path, "-f", at("httpd.conf"), "-DFOREGROUND"], logFile: at("out.log") },
    async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0,
  );
  return {
    port,
    async stop() {
      await peer.stop();
      folder.remove();
    },
  };
}

const names = ["X-Remote-User", "X-Remote-User-Id", "X-Remote-User-Name", "X-Remote-User-Email", "X-Remote-Group"];
const modules = "mpm_event authn_core authz_core authn_file authz_user auth_basic headers proxy proxy_http";

const configuration = (folder: string, port: number, upstreamPort: number, path: string): string => `
ServerRoot ${folder}
ServerName localhost:${port}
Listen 127.0.0.1:${port}
PidFile ${folder}/run/httpd.pid
DefaultRuntimeDir ${folder}/run
Mutex pthread
ErrorLog ${folder}/error.log
DocumentRoot ${folder}/htdocs
${modules
  .split(" ")
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join("\n")}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${upstreamPort}/
# Before anybody is asked for a password: what a visitor says of these never arrives.
${names.map((name) => `RequestHeader unset ${name} early`).join("\n")}
<Location "${path}">
  AuthType Basic
  AuthName proxy
  AuthBasicProvider file
  AuthUserFile ${folder}/users
  Require valid-user
  RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"
  RequestHeader set X-Remote-User-Id "id-jane" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-User-Email "janedoe@example.com" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-User-Name "J\u00e4ne" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-Group "admins, d\u00e9v" "expr=%{REMOTE_USER} == 'jane'"
</Location>
`;
