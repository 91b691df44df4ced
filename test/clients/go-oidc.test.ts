/** go-oidc and x/oauth2 complete a login: discovery, exchange, verified ID token, refresh, userinfo. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { missing, peerFolder } from "../peer/peer.ts";
import type { ServerUnderTest } from "../spec/server-under-test.ts";
import { redirectUri, startReachable, visit } from "./reach.ts";

const packages = "/usr/share/gocode/src";
const absent = missing({
  go: "golang-go",
  [`${packages}/github.com/coreos/go-oidc`]: "golang-github-coreos-go-oidc-dev",
  [`${packages}/golang.org/x/oauth2`]: "golang-golang-x-oauth2-dev",
});
// A Go toolchain is half a gigabyte that nothing else needs.
const skip = absent !== false && `optional: ${absent}`;

const about = z.looseObject({ iss: z.string(), sub: z.string(), aud: z.string(), email: z.string(), name: z.string() });
const outcome = z.strictObject({
  login: about,
  refreshed: about,
  userinfo: z.object({ sub: z.string(), email: z.string(), verified: z.boolean() }),
  hasRotated: z.boolean(),
});

describe("go-oidc", { skip }, () => {
  const folder = peerFolder("go-oidc");
  const program = join(folder.path, "relying-party");
  const servers: ServerUnderTest[] = [];

  before(async () => {
    const env = {
      ...process.env,
      GO111MODULE: "off",
      GOPATH: "/usr/share/gocode",
    };
    const source = join(import.meta.dirname, "go-oidc/main.go");
    await promisify(execFile)("go", ["build", "-o", program, source], { env });
  });
  after(async () => {
    for (const server of servers) await server.close();
    folder.remove();
  });

  async function signIn(server: ServerUnderTest, id: string, secret: string) {
    const child = spawn(program, [server.issuer, id, secret, redirectUri], { stdio: ["pipe", "pipe", "pipe"] });
    const said: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(said.join(""));
      return value;
    };
    const callback = await visit(server, new URL(await nextLine()));
    child.stdin.end(`${callback.href}\n`);
    return outcome.parse(JSON.parse(await nextLine()));
  }

  for (const algorithm of ["RS256", "ES256"]) {
    it(`signs in, refreshes and asks for userinfo, with ${algorithm}`, async () => {
      const server = await startReachable({
        signer: { type: "local", config: { algorithm, keysRotationPeriod: "6h" } },
      });
      servers.push(server);
      for (const [id, secret] of [
        ["app", "app secret+/%&="],
        ["public", ""],
      ] as const) {
        const { login, refreshed, userinfo, hasRotated } = await signIn(server, id, secret);
        assert.deepEqual([login.iss, login.aud, login.email], [server.issuer, id, "kilgore@kilgore.trout"]);
        assert.deepEqual([refreshed.sub, refreshed.name], [login.sub, "Kilgore Trout"]);
        assert.deepEqual(userinfo, { sub: login.sub, email: "kilgore@kilgore.trout", verified: true });
        assert.ok(hasRotated);
      }
    });
  }
});
