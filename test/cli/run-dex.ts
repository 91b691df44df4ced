import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `dex`. */
export interface Running {
  readonly process: ChildProcess;
  /** Resolves with the standard error so far once it matches. Rejects if the process ends before. */
  until(pattern: RegExp): Promise<string>;
  readonly finished: Promise<Finished>;
}

/** What a test may give the command line. */
export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Standard input stays open for the test to write to. */
  readonly keepsStdin?: boolean;
  readonly cwd?: string;
}

/** Starts the real program as a user would, with nothing of this process's environment that could matter. */
export function startDex(
  args: readonly string[],
  { env = {}, stdin = "", keepsStdin = false, cwd }: Given = {},
): Running {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { NODE_DISABLE_COMPILE_CACHE: "1", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // It may end without reading.
  child.stdin.on("error", () => {});
  if (!keepsStdin) child.stdin.end(stdin);
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(stderr)) resolve(stderr);
      };
      child.stderr.on("data", look);
      child.on("close", () => reject(new Error(`ended without ${pattern}: ${stderr}`)));
      look();
    });
  return { process: child, until, finished };
}

/** Runs the program to its end. */
export const dex = (args: readonly string[], given: Given = {}): Promise<Finished> => startDex(args, given).finished;

/** A folder with one config file in it, gone after the test. */
export function configFile(t: TestContext, yaml: string): { readonly cwd: string; readonly path: string } {
  const cwd = mkdtempSync(join(tmpdir(), "dex-cli-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, "config.yaml"), yaml);
  return { cwd, path: "config.yaml" };
}
