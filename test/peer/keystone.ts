import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, freePort, peerFolder, startPeer } from "./peer.ts";

export const keystonePrograms = {
  "keystone-manage": "keystone",
  uwsgi: "uwsgi-core",
  "/usr/lib/uwsgi/plugins/python3_plugin.so": "uwsgi-plugin-python3",
} as const;

/** OpenStack Keystone with nobody but `admin` of the domain `default`. Starting one takes half a minute: share it. */
export interface Keystone {
  readonly url: string;
  /** One request as the administrator; the answer's JSON. @throws {Error} It is refused. */
  api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;
  stop(): Promise<void>;
}

export const keystoneAdmin = { name: "admin", password: "DEMO_PASS", project: "admin" } as const;

const run = promisify(execFile);

export async function startKeystone(): Promise<Keystone> {
  const folder = peerFolder("keystone");
  const file = join(folder.path, "keystone.conf");
  for (const name of ["fernet", "cred", "policy.d"]) mkdirSync(join(folder.path, name), { mode: 0o700 });
  writeFileSync(file, configuration(folder.path));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await prepare(file, folder.path, url);
  const peer = await startPeer(
    {
      command: "uwsgi",
      args: [
        ...[
          "--plugin",
          "python3",
          "--http-socket",
          `127.0.0.1:${port}`,
          "--wsgi-file",
          "/usr/bin/keystone-wsgi-public",
        ],
        ...["--master", "--processes", "2", "--no-orphans", "--need-app", "--buffer-size", "65535", "--die-on-term"],
        ...["--add-header", "Connection: close"],
      ],
      env: { OS_KEYSTONE_CONFIG_FILES: file, OS_KEYSTONE_CONFIG_DIR: folder.path },
      logFile: join(folder.path, "uwsgi.log"),
      patience: 120_000,
    },
    async () => (await fetch(`${url}/v3`)).ok,
  );
  let token = "";
  const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${url}/v3${path}`, {
      method,
      headers: { "content-type": "application/json", "x-auth-token": token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const domain = { id: "default" };
  const user = { name: keystoneAdmin.name, domain, password: keystoneAdmin.password };
  const auth = {
    identity: { methods: ["password"], password: { user } },
    scope: { project: { name: keystoneAdmin.project, domain } },
  };
  token = (await ask("POST", "/auth/tokens", { auth })).headers.get("x-subject-token") ?? "";
  return {
    url,
    async api(method, path, body) {
      const response = await ask(method, path, body);
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === "" ? {} : JSON.parse(text);
    },
    async stop() {
      await peer.stop();
      folder.remove();
    },
  };
}

async function prepare(file: string, folder: string, url: string): Promise<void> {
  const manage = (...args: readonly string[]) =>
    run(findProgram("keystone-manage") ?? "keystone-manage", ["--config-file", file, ...args]);
  await manage("db_sync");
  // With a rollback journal the first write is answered with "database is locked".
  const wal = "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('pragma journal_mode=wal')";
  await run("/usr/bin/python3", ["-c", wal, join(folder, "keystone.db")]);
  const [{ stdout: owner }, { stdout: group }] = await Promise.all([run("id", ["-un"]), run("id", ["-gn"])]);
  const keys = ["--keystone-user", owner.trim(), "--keystone-group", group.trim()];
  await manage("fernet_setup", ...keys);
  await manage("credential_setup", ...keys);
  const { name, password, project } = keystoneAdmin;
  const account = ["--bootstrap-username", name, "--bootstrap-password", password, "--bootstrap-project-name", project];
  const urls = ["public", "internal", "admin"].flatMap((kind) => [`--bootstrap-${kind}-url`, `${url}/v3/`]);
  await manage("bootstrap", ...account, "--bootstrap-role-name", "admin", ...urls, "--bootstrap-region-id", "One");
}

const configuration = (folder: string): string => `
[DEFAULT]
log_file = ${folder}/keystone.log
use_stderr = false
[database]
connection = sqlite:///${folder}/keystone.db
[token]
provider = fernet
expiration = 3600
[fernet_tokens]
key_repository = ${folder}/fernet
[fernet_receipts]
key_repository = ${folder}/fernet
[credential]
key_repository = ${folder}/cred
[identity]
# The usual cost makes every login take a third of a second.
password_hash_rounds = 4
[cache]
enabled = false
[oslo_policy]
policy_dirs = ${folder}/policy.d
`;
