import { type ChildProcess, fork } from "node:child_process";
import { UnavailableError } from "../../../kernel/errors.ts";
import { type Clock, millis } from "../../../kernel/ports.ts";
import type { Secret } from "../../../kernel/secret.ts";
import { within } from "../wire/deadline.ts";
import type { ChildAnswer, ChildOptions, ChildQuestion } from "./child-messages.ts";

/** Says whose ticket a token holds. */
export interface Acceptor {
  /** @throws {UnavailableError} The checking process died, or does not answer. */
  accept(token: Secret<Uint8Array>, signal: AbortSignal): Promise<Verdict>;
  close(): void;
}

export type Verdict =
  | { readonly ok: true; readonly principal: string }
  | { readonly ok: false; readonly because: string };

const startTimeout = millis(10_000);
const answerTimeout = millis(5_000);
const entry = new URL("./acceptor-child.ts", import.meta.url);

type Answered = Extract<ChildAnswer, { readonly id: number }>;

/** Starts the process; a new one whenever it has died. @throws {Error} The npm package `kerberos` cannot be loaded. */
export async function startAcceptor(options: ChildOptions, clock: Clock): Promise<Acceptor> {
  const waiting = new Map<number, { resolve(answer: Answered): void; reject(error: Error): void }>();
  let lastId = 0;
  let isClosed = false;
  let current: Promise<ChildProcess> | undefined;

  const failAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  /** Resolves once it is ready. */
  function start(): Promise<ChildProcess> {
    const child = fork(entry, [JSON.stringify(options)], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    const ready = new Promise<ChildProcess>((resolve, reject) => {
      child.on("message", (answer: ChildAnswer) => {
        if (answer.kind === "ready") resolve(child);
        else if (answer.kind === "useless")
          reject(new Error(`the npm package kerberos cannot be loaded: ${answer.reason}`));
        else {
          waiting.get(answer.id)?.resolve(answer);
          waiting.delete(answer.id);
        }
      });
      const gone = (): void => {
        const error = new UnavailableError("kerberos", "the process that checks tickets has died");
        reject(error);
        if (current === ready) current = undefined;
        failAll(error);
      };
      child.once("exit", gone);
      child.once("error", gone);
    });
    // It keeps nobody from exiting.
    child.unref();
    child.channel?.unref();
    return ready;
  }

  async function running(signal: AbortSignal): Promise<ChildProcess> {
    if (isClosed) throw new UnavailableError("kerberos", "the connector was closed");
    const started = current ?? start();
    current = started;
    return within(startTimeout, clock, signal, (ending) => unless(ending, started));
  }

  await running(new AbortController().signal);
  return {
    async accept(token, signal) {
      const child = await running(signal);
      const id = ++lastId;
      const question: ChildQuestion = { id, token: Buffer.from(token.reveal()).toString("base64") };
      const answer = new Promise<Answered>((resolve, reject) => waiting.set(id, { resolve, reject }));
      child.send(question, (error) => {
        if (error !== null) waiting.get(id)?.reject(error);
      });
      try {
        const said = await within(answerTimeout, clock, signal, (ending) => unless(ending, answer));
        return said.kind === "accepted" ? { ok: true, principal: said.principal } : { ok: false, because: said.reason };
      } catch (cause) {
        signal.throwIfAborted();
        // It may hang in a token: the next one deserves another process.
        child.kill("SIGKILL");
        throw new UnavailableError("kerberos", "a ticket could not be checked", { cause });
      } finally {
        waiting.delete(id);
      }
    },
    close() {
      isClosed = true;
      current?.then(
        (child) => child.kill(),
        // It had not even started.
        () => undefined,
      );
    },
  };
}

function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  ]);
}
