import { open } from "node:fs/promises";
import { type AuditPlace, beforeTheFirst, chained, readLink } from "../kernel/audit-chain.ts";
import { type Clock, type Decision, type Logger, noObserver, type Observer } from "../kernel/ports.ts";
import { openLineFile } from "./line-file.ts";

/** Writes what happened to people, clients and tokens, one event a line. docs/reference/audit-events.md. */
export interface Audit {
  readonly observer: Observer;
  /** Resolves once everything so far is written. */
  flush(): Promise<void>;
}

/** Which decisions are events, by check and outcome. Names are API: add, never rename. */
export const auditEvents: Readonly<Record<string, Readonly<Partial<Record<Decision["outcome"], string>>>>> = {
  "connector.login": { pass: "login.succeeded", fail: "login.failed" },
  "consent.given": { pass: "consent.given", fail: "consent.refused" },
  "session.begun": { pass: "session.begun" },
  "factor.proved": { pass: "factor.proved", fail: "factor.failed" },
  "factor.enrolment": { pass: "factor.enrolled", chose: "factor.enrolled", fail: "factor.refused" },
  "factor.removal": { pass: "factor.removed" },
  "logout.proved": { pass: "logout.requested" },
  "token.answered": { pass: "token.issued", fail: "token.refused" },
  "token.revoked": { pass: "token.revoked" },
  "client.authenticated": { fail: "client.refused" },
  "code.replayed": { fail: "code.replayed" },
  "refresh.replayed": { fail: "refresh.replayed" },
  "account.locked": { chose: "account.locked" },
  "account.unlocked": { pass: "account.unlocked" },
  "attempts.allowed": { fail: "attempts.refused" },
  "user.blocked": { fail: "user.blocked" },
};

export interface AuditOptions {
  /** A path, or `stdout`. */
  readonly target: string;
  readonly out: (text: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws {Error} The file exists and cannot be read, or does not end with a line of an audit. */
export async function openAudit({ target, out, clock, logger }: AuditOptions): Promise<Audit> {
  const isFile = target !== "stdout";
  let place = isFile ? await lastPlace(target) : beforeTheFirst;
  const file = isFile ? openLineFile({ path: target, logger }) : undefined;
  const write = (event: string, fields: Readonly<Record<string, unknown>>): void => {
    const next = chained({ v: 1, time: new Date(clock.now()).toISOString(), event, ...fields }, place);
    ({ place } = next);
    if (file === undefined) out(`${next.line}\n`);
    else file.append(next.line);
  };
  return {
    observer: {
      ...noObserver,
      decided({ check, outcome, because, about = {} }, { traceId, clientIp }) {
        const event = Object.hasOwn(auditEvents, check) ? auditEvents[check]?.[outcome] : undefined;
        if (event === undefined) return;
        write(event, {
          outcome: outcome === "fail" ? "failure" : "success",
          // The API's calls have none.
          ...(traceId === "" ? {} : { trace_id: traceId }),
          client_ip: clientIp,
          ...about,
          ...(outcome === "fail" ? { reason: because } : {}),
        });
      },
      rpcHandled({ service, method }, code) {
        write("api.called", { outcome: code === "OK" ? "success" : "failure", service, method, code });
      },
    },
    flush: async () => file?.flush(),
  };
}

const usualLine = 64 * 1024;

/** Where the chain in `path` ends: the next event goes on from there. */
async function lastPlace(path: string): Promise<AuditPlace> {
  const tail = await readTail(path);
  if (tail === "") return beforeTheFirst;
  const lines = tail.split("\n");
  // A line without its end was cut off by a crash: it stays as it is, and the verifier will name it.
  const last = readLink(lines.at(-2) ?? "");
  if (lines.at(-1) !== "" || typeof last === "string") {
    throw new Error(`${path} does not end with a whole event of an audit: put it aside, and start again`);
  }
  return last;
}

async function readTail(path: string): Promise<string> {
  // Also what is not there yet: that it can be written is found out now, not at the first login.
  const file = await open(path, "a+", 0o600);
  try {
    const { size } = await file.stat();
    // Back to the beginning of the last line, however long: a line of yesterday must not keep us from starting.
    for (let length = Math.min(size, usualLine); ; length = Math.min(size, length * 4)) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const tail = buffer.subarray(0, bytesRead);
      if (length === size || tail.subarray(0, -1).includes("\n")) return tail.toString();
    }
  } finally {
    await file.close();
  }
}
