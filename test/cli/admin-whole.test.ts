/** `dex admin` does everything that the API does: each command is run against a server, and each call of the API was made by one. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { loadServices } from "../../src/admin/services.ts";
import { admin, adminCommands } from "../../src/cli/admin/admin.ts";
import { databaseFolder, startAdminStage } from "../admin/stage.ts";
import { signIn } from "../spec/relying-party.ts";
import { UserAgent } from "../spec/user-agent.ts";

/** Whom the mock connector signs in. */
const person = "mock 0-385-28089-0";
const secret = "trout-and-hook";

/** A line for each command, in an order in which each finds what it is about. {session}, {refresh}, {sub} and {config} are filled in. */
const lines: readonly (readonly [words: string, rest: string])[] = [
  ["version", ""],
  ["discovery", ""],
  ["key list", ""],
  ["key rotate", ""],
  ["client create", "--id web --name Web --redirect-uri https://a/cb"],
  ["client list", ""],
  ["client get", "web"],
  ["client update", "web --name Other --backchannel-logout-uri https://a/out"],
  ["client rotate-secret", "web"],
  ["client delete", "web"],
  ["password create", "ann@example.com --username ann --user-id u1 --cost 10"],
  ["password list", ""],
  ["password verify", "ann@example.com"],
  ["password update", "ann@example.com --username anna"],
  ["password delete", "ann@example.com"],
  ["connector create", "pw --type mockPassword --name Password --config {config}"],
  ["connector list", ""],
  ["connector update", "pw --name Other"],
  ["connector delete", "pw"],
  ["user list", ""],
  ["user get", person],
  ["user block", `${person} --until 2030-12-31T00:00:00Z`],
  ["user unblock", person],
  ["consent revoke", `${person} app`],
  ["factor list", person],
  ["factor delete", `${person} --authenticator totp`],
  ["factor delete", `${person} --authenticator key --credential AAAA`],
  ["factor reset", person],
  ["lockout list", ""],
  ["lockout lift", "local nobody@example.com"],
  ["session list", ""],
  ["session get", "{session}"],
  ["refresh list", ""],
  ["refresh list-of-subject", "{sub}"],
  ["refresh revoke", "--id {refresh}"],
  ["refresh revoke", "--user 0-385-28089-0 --connector mock"],
  ["refresh revoke-of-subject", "{sub} app"],
  ["session delete", "{session}"],
  ["session terminate", "--connector mock"],
  ["session terminate", "--user 0-385-28089-0"],
  ["user delete", person],
];
/** What is about something that is not there ends in 3, "not found". */
const mayMiss = ["consent revoke", "factor delete", "lockout lift", "refresh revoke-of-subject"];

test("each command answers people and scripts, and together they make every call", { timeout: 120_000 }, async (t) => {
  assert.deepEqual(
    new Set(lines.map(([words]) => words)),
    new Set(adminCommands.map(({ words }) => words)),
    "a command is missing here",
  );
  const stage = await startAdminStage({
    telemetry: { http: "127.0.0.1:0" },
    staticClients: [{ id: "app", secret: "s", name: "App", redirectURIs: ["https://a/cb"] }],
  });
  t.after(stage.close);
  const agent = new UserAgent({ issuer: "http://127.0.0.1:5556/dex", port: Number(new URL(stage.http).port) });
  t.after(() => agent.close());
  const client = { id: "app", secret: "s", redirectUri: "https://a/cb" };
  const tokens = await signIn(agent, { connector_id: "mock", scope: "openid offline_access" }, client);
  const payload = Buffer.from(tokens.id_token?.split(".")[1] ?? "", "base64url").toString();
  const { sub } = z.looseObject({ sub: z.string() }).parse(JSON.parse(payload));
  const config = join(databaseFolder(t), "config.yaml");
  writeFileSync(config, "username: kilgore\npassword: trout\n");
  const about = { config, sub, session: "", refresh: "" };

  const run = async (words: string, rest: string, flags: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const given = rest.replace(/\{(\w+)\}/g, (_, name: keyof typeof about) => about[name]);
    const code = await admin([...`${words} ${given}`.trim().split(" "), ...flags, "--addr", stage.grpc], {
      env: {},
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      readStdin: async () => Buffer.from(secret),
      ask: async () => secret,
    });
    const isFine = code === 0 || (code === 3 && mayMiss.includes(words));
    assert.ok(isFine, `dex admin ${words} ${given}: exit code ${code}\n${out.join("")}${err.join("")}`);
    return out.join("");
  };
  const firstOf = async (words: string): Promise<string> =>
    /"id": "([^"]+)"/.exec(await run(words, "", ["--json"]))?.[1] ?? assert.fail(`${words}: nothing`);
  Object.assign(about, { session: await firstOf("session list"), refresh: await firstOf("refresh list") });
  // What ends with the first try is asked for in JSON alone: the other half reads it as people do.
  const isReading = (words: string): boolean => /(list|get|list-of-subject|version|discovery|verify)$/.test(words);
  for (const [words, rest] of lines) {
    if (isReading(words)) assertReadable(await run(words, rest, []), words);
    const answer: unknown = JSON.parse(await run(words, rest, ["--json"]));
    assert.ok(typeof answer === "object" && answer !== null, words);
  }

  const metrics = await (await fetch(`http://${stage.telemetry}/metrics`)).text();
  const { dex, admin: ours } = loadServices();
  for (const [service, definition] of [
    ["api.Dex", dex],
    ["dexts.Admin", ours],
  ] as const) {
    const never = Object.keys(definition).filter((name) => {
      const sample = `grpc_server_started_total{grpc_type="unary",grpc_service="${service}",grpc_method="${name}"} `;
      return !(Number(metrics.split(sample)[1]?.split("\n")[0]) > 0);
    });
    assert.deepEqual(never, [], `${service} has calls without a command`);
  }
});

/** Columns or "name: value", and nothing that only a program understands. */
function assertReadable(text: string, words: string): void {
  assert.match(text, /^\S/, words);
  assert.doesNotMatch(text, /\[object|undefined|NaN|[{}]/, words);
}
