/**
 * `make test`: types, walls, lint, then every test file, two at a time. Ends with one line, "N passed, N failed",
 * and exit code 1 on any failure. `test.ts GLOB...` runs just these files; `test.ts --docs` also checks that the
 * generated docs are fresh. A file that fails beside others is run once more by itself at the end, so that a busy
 * machine decides nothing; what needed that is listed. With CI=true a skipped test fails, unless its reason starts with "optional:".
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { run } from "node:test";
import { inspect, parseArgs } from "node:util";
import { closingLine, isForgiven, nothing, sum, type Tally, tallyOf } from "./tally.ts";

const root = join(import.meta.dirname, "..");
const everything = ["src", "test", "bench", "scripts", "examples"].map((folder) => `${folder}/**/*.test.ts`);
const filesAtOnce = 2;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    docs: { type: "boolean", default: false },
    // Milliseconds for one file. Longer than any honest one takes on a busy machine; a hanging one is killed.
    timeout: { type: "string", default: "420000" },
  },
});

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const tool = (name: string): string => join(root, "node_modules/.bin", name);
const folders = ["src", "test", "bench", "scripts", "examples"];
const checks: readonly Check[] = [
  { name: "types", command: [process.execPath, tool("tsc"), "-p", "."] },
  { name: "walls", command: [process.execPath, tool("depcruise"), ...folders, "--output-type", "err"] },
  { name: "lint", command: [process.execPath, tool("biome"), "ci", "--colors=off", "--max-diagnostics=50"] },
];
const docsCheck: Check = { name: "docs", command: [process.execPath, "scripts/docs.ts", "--check"] };

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const indent = (text: string): string => text.trimEnd().replace(/^/gm, "    ");

/** An error as a person wants it: an assertion's difference, a stack without the runner's own frames. */
function told(error: unknown): string {
  const isAssertion = error instanceof Error && "code" in error && error.code === "ERR_ASSERTION";
  const text = isAssertion ? (error.stack ?? error.message) : inspect(error, { depth: 4 });
  return text.replace(/^ +at .*node:internal.*\n?/gm, "");
}

/** Runs one tool; what it says is shown only if it fails. */
async function runCheck(check: Check): Promise<Tally> {
  const started = performance.now();
  const [command, ...args] = check.command;
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const code = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      said.push(Buffer.from(error.message));
      resolve(1);
    });
    child.on("close", (status) => resolve(status ?? 1));
  });
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${check.name} (${seconds(started)})`);
  if (code === 0) return { ...nothing, passed: 1 };
  console.log(indent(Buffer.concat(said).toString()));
  return { ...nothing, failures: [{ name: check.name, where: check.command.join(" "), error: undefined }] };
}

/** Runs one test file in a process of its own. */
async function runFile(file: string): Promise<Tally> {
  const started = performance.now();
  const path = resolve(root, file);
  const events = run({ files: [path], signal: AbortSignal.timeout(Number(values.timeout)) });
  const stray: string[] = [];
  events.on("test:stderr", ({ message }) => stray.push(message));
  const tally = await tallyOf(path, events);
  const hasFailed = tally.failures.length > 0;
  const count = tally.passed + tally.failures.length;
  console.log(
    `${hasFailed ? "FAIL" : "ok  "} ${file} (${count} ${count === 1 ? "test" : "tests"}, ${seconds(started)})`,
  );
  for (const { name, where, error } of tally.failures) {
    console.log(indent(`✖ ${name.replaceAll(`${root}/`, "")}\n  at ${relative(root, where)}`));
    console.log(indent(indent(told(error))));
  }
  if (hasFailed && stray.length > 0) console.log(indent(`it wrote to stderr:\n${stray.join("").slice(-4000)}`));
  for (const { name, reason } of tally.skips) console.log(indent(`skipped: ${name}: ${reason || "no reason given"}`));
  return tally;
}

/** Works through `items`, `width` at a time. */
async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Tally>,
): Promise<Tally> {
  const left = [...items];
  const lane = async (): Promise<Tally> => {
    let tally = nothing;
    for (let item = left.shift(); item !== undefined; item = left.shift()) tally = sum(tally, await work(item));
    return tally;
  };
  return (await Promise.all(Array.from({ length: width }, lane))).reduce(sum, nothing);
}

const files = globSync(positionals.length > 0 ? positionals : everything, { cwd: root }).sort();
const wanted = positionals.length > 0 ? [] : values.docs ? [...checks, docsCheck] : checks;

/** Files that failed while another one ran beside them. */
const suspects: string[] = [];

async function runBesideOthers(file: string): Promise<Tally> {
  const tally = await runFile(file);
  if (tally.failures.length === 0 || files.length === 1) return tally;
  suspects.push(file);
  return nothing;
}

async function runAlone(file: string): Promise<Tally> {
  const tally = await runFile(file);
  if (tally.failures.length === 0) console.log(`passed at the second try, by itself: ${file}`);
  return tally;
}

console.log(`${wanted.length} checks, then ${files.length} test files`);
let total = sum(await inParallel(wanted, filesAtOnce, runCheck), await inParallel(files, filesAtOnce, runBesideOthers));
total = sum(total, await inParallel(suspects, 1, runAlone));
if (files.length === 0) {
  const error = new Error(`no test file matches ${positionals.join(" ") || everything.join(" ")}`);
  total = sum(total, { ...nothing, failures: [{ name: error.message, where: "", error }] });
}
if (process.env.CI === "true") {
  const unforgiven = total.skips.filter((skip) => !isForgiven(skip));
  const failures = unforgiven.map(({ name, reason }) => ({ name, where: "", error: `skipped in CI: ${reason}` }));
  total = { passed: total.passed, failures: [...total.failures, ...failures], skips: total.skips.filter(isForgiven) };
}
if (total.failures.length > 0) {
  console.log("\nfailed:");
  for (const { name, error } of total.failures) {
    console.log(`  ${name.replaceAll(`${root}/`, "")}${typeof error === "string" ? ` (${error})` : ""}`);
  }
}
process.exitCode = total.failures.length > 0 ? 1 : 0;
console.log(`\n${closingLine(total)}`);
