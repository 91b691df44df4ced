import { join } from "node:path";
import type { DatabaseServer } from "./database-server.ts";
import { startMysqlServer } from "./mysql-server.ts";
import { findProgram, missing } from "./peer.ts";

/**
 * Oracle's MySQL, where MYSQL_ROOT names the root of a system that has it: Debian stable brings MariaDB only, and
 * what is built for another release needs that release's libraries, so its own loader starts it. No package of ours
 * brings it.
 */
const root = process.env.MYSQL_ROOT ?? "";
const program = join(root, "usr/sbin/mysqld");
const loader = join(root, "lib64/ld-linux-x86-64.so.2");

export const withoutMysql: string | false =
  root === "" || findProgram(program) === undefined || findProgram(loader) === undefined
    ? "optional: MYSQL_ROOT names no system with /usr/sbin/mysqld"
    : missing({ openssl: "openssl" });

/** MySQL. Its users have `caching_sha2_password`, which is all that version 9 knows. */
export function startMysql(parent?: string): Promise<DatabaseServer> {
  const mysqld = (data: string): [string, ...string[]] => [
    loader,
    "--library-path",
    join(root, "usr/lib/x86_64-linux-gnu"),
    program,
    "--no-defaults",
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
    `--datadir=${data}`,
    `--lc-messages-dir=${join(root, "usr/share/mysql")}`,
    `--character-sets-dir=${join(root, "usr/share/mysql/charsets")}`,
    `--plugin-dir=${join(root, "usr/lib/mysql/plugin")}`,
    "--secure-file-priv=NULL",
  ];
  return startMysqlServer(
    {
      name: "mysql",
      install: (data) => [...mysqld(data), "--initialize-insecure"],
      serve: (data) => [...mysqld(data), "--mysqlx=OFF", "--skip-log-bin"],
    },
    parent,
  );
}
