/** Runs in its own thread: one bcrypt at a time, at the lowest priority, so that logins never slow signing down. */
import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { compareSync, hashSync } from "@node-rs/bcrypt";

export type BcryptJob =
  | { readonly id: number; readonly kind: "compare"; readonly password: string; readonly hash: string }
  | { readonly id: number; readonly kind: "hash"; readonly password: string; readonly cost: number };

export type BcryptAnswer =
  | { readonly id: number; readonly ok: true; readonly value: boolean | string }
  | { readonly id: number; readonly ok: false; readonly message: string };

lowerOwnPriority();

parentPort?.on("message", (job: BcryptJob) => {
  parentPort?.postMessage(work(job));
});

function work(job: BcryptJob): BcryptAnswer {
  try {
    const value = job.kind === "compare" ? compareSync(job.password, job.hash) : hashSync(job.password, job.cost);
    return { id: job.id, ok: true, value };
  } catch (error) {
    return { id: job.id, ok: false, message: error instanceof Error ? error.message : "bcrypt failed" };
  }
}

/**
 * Linux gives each thread its own niceness, under an id that Node does not tell but `/proc/thread-self` does, for
 * whoever reads it. Never guess the id: a thread of libuv's that signs tokens would be slowed down instead. And
 * never pass 0, which outside Linux means the whole process.
 */
function lowerOwnPriority(): void {
  try {
    const thread = Number(/\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self"))?.[1]);
    if (thread > 0) setPriority(thread, constants.priority.PRIORITY_LOW);
  } catch {
    // No Linux, or not allowed: the bounded queue still holds the storm off.
  }
}
