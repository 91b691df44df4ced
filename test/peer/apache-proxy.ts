import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Apache, apachePrograms, startApache } from "./apache.ts";
import { findProgram, freePort } from "./peer.ts";

export const apacheProxyPrograms = { ...apachePrograms, htpasswd: "apache2-utils" } as const;

/** Apache httpd in front of our server: asks for jane/foo or john/bar on one path, and says who it was. */
export interface ApacheProxy extends Apache {
  readonly port: number;
}

const people = { jane: "foo", john: "bar" };
const modules = ["authn_file", "authz_user", "auth_basic", "headers", "proxy", "proxy_http"];
const names = ["X-Remote-User", "X-Remote-User-Id", "X-Remote-User-Name", "X-Remote-User-Email", "X-Remote-Group"];

/** `protectedPath`: the one that needs a password, and the only one that carries headers. */
export async function startApacheProxy(upstreamPort: number, protectedPath: string): Promise<ApacheProxy> {
  const port = await freePort();
  const configure = (folder: string): string => {
    const users = join(folder, "users");
    writeFileSync(users, "");
    for (const [name, password] of Object.entries(people))
      execFileSync(findProgram("htpasswd") ?? "htpasswd", ["-bB", users, name, password], { stdio: "ignore" });
    return `
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${upstreamPort}/
# Before anybody is asked for a password: what a visitor says of these never arrives.
${names.map((name) => `RequestHeader unset ${name} early`).join("\n")}
<Location "${protectedPath}">
  AuthType Basic
  AuthName proxy
  AuthBasicProvider file
  AuthUserFile ${users}
  Require valid-user
  RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"
  RequestHeader set X-Remote-User-Id "id-jane" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-User-Email "janedoe@example.com" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-User-Name "J\u00e4ne" "expr=%{REMOTE_USER} == 'jane'"
  RequestHeader set X-Remote-Group "admins, d\u00e9v" "expr=%{REMOTE_USER} == 'jane'"
</Location>
`;
  };
  return { port, ...(await startApache({ port, modules, configure })) };
}
