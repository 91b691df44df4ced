import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./storage-process.ts", import.meta.url));

/** A running `storage-process.ts`. */
export interface StorageChild {
  readonly process: ChildProcess;
  /** What it has said so far. */
  readonly lines: readonly string[];
  /** Resolves once it has said `count` lines. Rejects if it ends before. */
  said(count: number): Promise<void>;
  readonly finished: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Standard error, whole once it has finished. */
  complaint(): string;
}

/** Starts a process that does `task`; `uid`: as another user of this machine. */
export function startStorageChild(
  task: string,
  file: string,
  args: readonly string[] = [],
  options: { readonly uid?: number } = {},
): StorageChild {
  const child = spawn(process.execPath, [program, task, file, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { NODE_DISABLE_COMPILE_CACHE: "1" },
    ...options,
  });
  const lines: string[] = [];
  let complaint = "";
  const waiting = new Set<() => void>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const finished = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  const said = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (lines.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      child.once("close", () => reject(new Error(`it ended: ${complaint}`)));
      look();
    });
  return { process: child, lines, said, finished, complaint: () => complaint };
}
