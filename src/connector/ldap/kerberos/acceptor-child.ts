/**
 * A process of its own that checks Kerberos tickets. Two reasons: the C library reads a hostile token outside of the
 * server, and it takes keytab and configuration from the environment, which every connector needs to be another.
 * Started by `acceptor.ts` with {@link ChildOptions} as its argument.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildAnswer, ChildOptions, ChildQuestion } from "./child-messages.ts";

const options: ChildOptions = JSON.parse(process.argv[2] ?? "{}");
// biome-ignore lint/style/noProcessEnv: this process's own environment is the library's only configuration
const environment = process.env;
environment.KRB5_KTNAME = `FILE:${options.keytab}`;
// Where tickets that were seen are kept. The library would take /var/tmp, which a container has not.
environment.KRB5RCACHEDIR ||= tmpdir();
if (options.clockSkew > 0) environment.KRB5_CONFIG = withClockSkew(options.clockSkew, environment.KRB5_CONFIG);

const say = (answer: ChildAnswer): void => {
  process.send?.(answer);
};

const kerberos = await load();
process.on("message", (question: ChildQuestion) => {
  void check(question).then(say);
});
process.on("disconnect", () => process.exit());
say({ kind: "ready" });

async function load(): Promise<typeof import("kerberos")> {
  try {
    return await import("kerberos");
  } catch (error) {
    say({ kind: "useless", reason: String(error) });
    throw error;
  }
}

async function check({ id, token }: ChildQuestion): Promise<ChildAnswer> {
  try {
    const server = await kerberos.initializeServer(options.service);
    await server.step(token);
    if (server.contextComplete) return { kind: "accepted", id, principal: server.username };
    return { kind: "refused", id, reason: "one message is not enough" };
  } catch (error) {
    return { kind: "refused", id, reason: error instanceof Error ? error.message : "refused" };
  }
}

/** A file before the others wins. krb5.conf(5), `clockskew`. */
function withClockSkew(seconds: number, others = "/etc/krb5.conf"): string {
  const folder = mkdtempSync(join(tmpdir(), "dex-krb5-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "krb5.conf");
  writeFileSync(file, `[libdefaults]\n  clockskew = ${seconds}\n`);
  return `${file}:${others}`;
}
