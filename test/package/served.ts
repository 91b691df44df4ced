/** A packed server as its user has it: started as a process, logged in to over HTTP. */
import assert from "node:assert/strict";
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import type { TestContext } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { stringify } from "yaml";
import { authorize, codeOf, redeem, tokensOf, unescapeHtml } from "../spec/relying-party.ts";
import { appClient, issuer } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";

/** A configuration that needs what is easily forgotten: the thread of SQLite, and those of bcrypt with their addon. */
export const configOf = (more: Readonly<Record<string, unknown>> = {}): string =>
  stringify({
    issuer,
    storage: { type: "sqlite3", config: { file: "dex.db" } },
    web: { http: "127.0.0.1:0" },
    oauth2: { skipApprovalScreen: true },
    staticClients: [appClient],
    enablePasswordDB: true,
    staticPasswords: [
      {
        email: "admin@example.com",
        username: "admin",
        userID: "08a8684b-db88-4b73-90a9-3cd1661f5466",
        // "password"
        hash: "$2b$10$gMUj5CiVr/sp4uth6RvA7ehMTz4zJBP9lJkbWkIequzjgUyuxTNAK",
      },
    ],
    ...more,
  });

export interface Served {
  readonly process: ChildProcess;
  readonly port: number;
  /** Everything it wrote. */
  said(): string;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts `command` and waits until it listens. Killed after the test if it still runs. @throws {Error} It ends before. */
export async function serve(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<Served> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const port = await new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = /listening on[^\n]*:(\d+)/.exec(said)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    }
    ended.then(() => reject(new Error(`it ended and said:\n${said}`)), reject);
  });
  return { process: child, port, said: () => said, ended };
}

/** Signs admin@example.com in with the form, and returns the claims once a stranger's library has verified them. */
export async function logIn(port: number): Promise<Readonly<Record<string, unknown>>> {
  const agent = new UserAgent({ issuer, port });
  try {
    const form = await authorize(agent, { scope: "openid email" });
    const [, action = ""] = /<form method="post" action="([^"]*)"/.exec(form.body) ?? [];
    const styles = /<link [^>]*href="([^"]*\.css[^"]*)"/.exec(form.body)?.[1] ?? assert.fail("a page without style");
    assert.equal((await agent.get(new URL(unescapeHtml(styles), form.url).href)).status, 200);
    const wrong = await agent.post(new URL(unescapeHtml(action), form.url).href, {
      login: "admin@example.com",
      password: "wrong",
    });
    assert.match(wrong.body, /login-error/);
    const right = await agent.post(new URL(unescapeHtml(action), form.url).href, {
      login: "admin@example.com",
      password: "password",
    });
    const { id_token = "" } = tokensOf(await redeem(agent, codeOf(await agent.follow(right))));
    const keys = JSON.parse((await agent.get("/keys")).body) as JSONWebKeySet;
    return (await jwtVerify(id_token, createLocalJWKSet(keys), { issuer, audience: appClient.id })).payload;
  } finally {
    agent.close();
  }
}
