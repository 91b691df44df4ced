/** oidc-agent, written in C for people at a shell: the device flow by its own polling, then tokens on demand. RFC 8628. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { findProgram, freePort, missing, type Peer, peerFolder, startPeer } from "../peer/peer.ts";
import { unescapeHtml } from "../spec/relying-party.ts";
import { UserAgent } from "../spec/user-agent.ts";

const run = promisify(execFile);
const packages = { "oidc-agent": "oidc-agent-cli", "oidc-gen": "oidc-agent-cli", "oidc-token": "oidc-agent-cli" };

describe("oidc-agent", { skip: missing(packages) }, () => {
  const folder = peerFolder("oidc-agent");
  const env: Record<string, string | undefined> = { ...process.env, HOME: join(folder.path, "home") };
  let server: Peer;
  let agentPid: number | undefined;
  let issuer: string;
  let person: UserAgent;

  before(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}/dex`;
    mkdirSync(join(folder.path, "home"));
    const config = join(folder.path, "config.yaml");
    writeFileSync(
      config,
      `issuer: ${issuer}
storage: { type: memory }
web: { http: "127.0.0.1:${port}" }
oauth2: { skipApprovalScreen: true }
connectors: [{ type: mockCallback, id: mock, name: Mock }]
staticClients:
  - { id: shell, name: The Shell, secret: shell-secret, redirectURIs: [/device/callback, "http://localhost:20202"] }
`,
    );
    server = await startPeer(
      {
        command: join(import.meta.dirname, "../../bin/dex"),
        args: ["serve", config],
        logFile: join(folder.path, "server.log"),
      },
      async () => (await fetch(`${issuer}/.well-known/openid-configuration`)).ok,
    );
    person = new UserAgent({ issuer, port });
    // It goes into the background by itself, and says where it listens as shell variables.
    const { stdout } = await run(findProgram("oidc-agent") ?? "", [], { env });
    env.OIDC_SOCK = /OIDC_SOCK=([^;]+)/.exec(stdout)?.[1];
    agentPid = Number(/OIDCD_PID=(\d+)/.exec(stdout)?.[1]);
    assert.ok(agentPid > 1, stdout);
  });
  after(async () => {
    if (agentPid !== undefined) process.kill(agentPid);
    person?.close();
    await server?.stop();
    folder.remove();
  });

  const begin = (): ChildProcessByStdio<null, Readable, Readable> =>
    spawn(
      findProgram("oidc-gen") ?? "",
      [
        ...["shell", "--manual", `--issuer=${issuer}`, "--client-id=shell", "--client-secret=shell-secret"],
        ...["--redirect-url=http://localhost:20202", "--scope=openid profile email offline_access", "--flow=device"],
        ...["--confirm-yes", "--prompt=none", "--pw-cmd=echo x", "--no-url-call", "--no-scheme"],
      ],
      { env, stdio: ["ignore", "pipe", "pipe"] },
    );

  /** What the person does with the code on the screen. */
  async function approve(userCode: string): Promise<void> {
    const form = { user_code: userCode };
    const { body } = await person.post("/device/auth/verify_code", form);
    const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body));
    const agreed = await person.post("/device/auth/verify_code", { ...form, confirm, approval: "approve" });
    assert.equal((await person.follow(agreed)).status, 200);
  }

  it("logs a shell in and then has a token whenever one is asked for", { timeout: 90_000 }, async () => {
    const generating = begin();
    let said = "";
    const ended = new Promise<number | null>((resolve) => generating.once("close", resolve));
    const userCode = await new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        const code = /enter the code: (\S+)/.exec(said)?.[1];
        if (code !== undefined) resolve(code);
      };
      generating.stdout.on("data", hear);
      generating.stderr.on("data", hear);
      generating.once("close", () => reject(new Error(`it ended and said: ${said}`)));
    });
    await approve(userCode);
    assert.equal(await ended, 0, said);
    const { stdout } = await run(findProgram("oidc-token") ?? "", ["shell"], { env });
    const userinfo = await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${stdout.trim()}` } });
    const claims = (await userinfo.json()) as { name?: string };
    assert.deepEqual([userinfo.status, claims.name], [200, "Kilgore Trout"]);
    // Past its life as the agent sees it: it refreshes.
    const again = await run(findProgram("oidc-token") ?? "", ["--force-new", "shell"], { env });
    assert.notEqual(again.stdout.trim(), stdout.trim());
  });
});
