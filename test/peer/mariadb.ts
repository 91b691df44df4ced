import { readFileSync } from "node:fs";
import type { DatabaseServer } from "./database-server.ts";
import { startMysqlServer } from "./mysql-server.ts";

/** For `missing`. */
export const mariadbPrograms = {
  mariadbd: "mariadb-server",
  "mariadb-install-db": "mariadb-server",
  openssl: "openssl",
};

/** MariaDB, as Debian brings it. `parent`: where its folder is made. */
export function startMariadb(parent?: string): Promise<DatabaseServer> {
  const owner = ownerOf();
  // `--no-defaults` everywhere: the distribution's settings would bring their own socket, folder and log.
  const own = (data: string) => [
    "--no-defaults",
    ...(owner === undefined ? [] : ["--user=mysql"]),
    `--datadir=${data}`,
  ];
  const install = (data: string): [string, ...string[]] => [
    "mariadb-install-db",
    ...own(data),
    "--skip-test-db",
    "--auth-root-authentication-method=normal",
  ];
  return startMysqlServer({ name: "mariadb", owner, install, serve: (data) => ["mariadbd", ...own(data)] }, parent);
}

/** The user of Debian's package, where we are root. */
function ownerOf(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^mysql:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  if (uid === undefined || gid === undefined) throw new Error("there is no user mysql");
  return { uid: Number(uid), gid: Number(gid) };
}
