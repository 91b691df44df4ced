/**
 * The stage of the browser tests: the server as an operator starts it (`bin/dex serve`), the example application as
 * a stranger wrote it, and a real Chromium. All on loopback. DEX_TEST_SERVER names another server binary that
 * takes the same config, so that a surprise can be held against the original.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Browser, chromium } from "playwright-core";
import { parse, stringify } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const serverBinary = process.env.DEX_TEST_SERVER ?? join(root, "bin/dex");
const browserBinary = "/usr/bin/chromium";

/** Why the browser tests cannot run here, or false. */
export const missing: string | false = existsSync(browserBinary)
  ? false
  : `no ${browserBinary}: apt-get install chromium`;

export const password = "password";
/** Every test signs in as somebody else, since the server remembers who consented to what. */
export const people = ["wrong-then-right", "no-script", "phone", "keyboard", "refusal"] as const;
export const emailOf = (person: (typeof people)[number]): string => `${person}@example.com`;

export interface Stage {
  readonly app: string;
  readonly issuer: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

/** A port that was free a moment ago: issuer and redirect URI must be known before anything listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

const devConfig = z.looseObject({
  storage: z.looseObject({ config: z.looseObject({ file: z.string() }) }),
  staticPasswords: z.array(z.looseObject({ hash: z.string() })),
});

/** What a test has otherwise than the example: sections that take the place of its own. */
export type Difference = (issuer: URL) => Promise<Readonly<Record<string, unknown>>>;

/** `examples/dev.yaml` on other ports, with its own data and its own people: so the example is tested, too. */
function configOf(issuer: URL, app: URL, folder: string, different: Readonly<Record<string, unknown>>): string {
  const text = readFileSync(join(root, "examples/dev.yaml"), "utf8")
    .replaceAll("127.0.0.1:5556", issuer.host)
    .replaceAll("127.0.0.1:5555", app.host);
  const config = devConfig.parse(parse(text));
  const { hash } = config.staticPasswords[0] ?? {};
  return stringify({
    ...config,
    storage: { ...config.storage, config: { file: join(folder, "dex.db") } },
    staticPasswords: people.map((person) => ({
      email: emailOf(person),
      username: person,
      userID: `id-of-${person}`,
      groups: ["staff"],
      hash,
    })),
    ...different,
  });
}

interface Running {
  readonly child: ChildProcess;
  readonly said: string[];
}

function run(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEX_SESSIONS_ENABLED: "true" },
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  child.on("error", (error) => said.push(error.message));
  return { child, said };
}

/** Waits until `url` answers 200; a process that ends first has its last words in the error. */
async function answers(url: string, { child, said }: Running): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break;
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await wait(100);
  }
  throw new Error(`${url} does not answer; the process said:\n${said.join("")}`);
}

async function end({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}

const browserFlags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--no-first-run"],
];

/** `host`: security keys work on `localhost` without TLS, and on no address. WebAuthn §5.1.3. */
export async function openStage(
  difference: Difference = async () => ({}),
  host: "127.0.0.1" | "localhost" = "127.0.0.1",
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "dex-browser-"));
  const app = new URL(`http://127.0.0.1:${await freePort()}`);
  const issuer = new URL(`http://${host}:${await freePort()}/dex`);
  const config = join(folder, "dex config.yaml");
  writeFileSync(config, configOf(issuer, app, folder, await difference(issuer)));
  const server = run(serverBinary, ["serve", config]);
  const script = join(root, "examples/relying-party/server.ts");
  const client = run(process.execPath, [script, "--issuer", issuer.href, "--listen", app.origin]);
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await Promise.all([end(client), end(server)]);
    rmSync(folder, { recursive: true });
  };
  try {
    await answers(`${issuer.href}/.well-known/openid-configuration`, server);
    await answers(app.href, client);
    browser = await chromium.launch({ executablePath: browserBinary, args: browserFlags });
    return { app: app.origin, issuer: issuer.href, browser, close };
  } catch (error) {
    await close();
    throw error;
  }
}
