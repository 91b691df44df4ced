import { createHash } from "node:crypto";

/**
 * A chain of audit lines: each names the hash of the one before it and ends with its own, so that a line that was
 * changed, taken out or put in is noticed. Whoever may write the file can still write all of it anew: ship the lines
 * away as they come, or keep the last hash elsewhere.
 */
export interface AuditPlace {
  /** Of the last line; 0 before the first. */
  readonly seq: number;
  /** Hex; empty before the first. */
  readonly hash: string;
}

export const beforeTheFirst: AuditPlace = { seq: 0, hash: "" };

/** Members of a line that the chain itself writes. */
type Links = "seq" | "prev" | "hash";

/** The line for `event`, without its line feed, and where the chain then is. */
export function chained(
  event: Readonly<Record<string, unknown>> & { readonly [K in Links]?: never },
  { seq, hash: prev }: AuditPlace,
): { readonly line: string; readonly place: AuditPlace } {
  const open = JSON.stringify({ seq: seq + 1, ...event, prev });
  const hash = hashOf(open);
  return { line: `${open.slice(0, -1)},"hash":"${hash}"}`, place: { seq: seq + 1, hash } };
}

const hashOf = (open: string): string => createHash("sha256").update(open).digest("hex");

const ending = /,"hash":"([0-9a-f]{64})"\}$/;

/** What `line` says of its place, if it is whole and its own hash is right; else why not. */
export function readLink(line: string): (AuditPlace & { readonly prev: string }) | string {
  const hash = ending.exec(line)?.[1];
  if (hash === undefined) return "it is no line of an audit, or it was cut off";
  const open = line.replace(ending, "}");
  if (hashOf(open) !== hash) return "it was changed";
  const { seq, prev }: { seq?: unknown; prev?: unknown } = JSON.parse(open);
  return typeof seq === "number" && typeof prev === "string" ? { seq, prev, hash } : "it has no place in a chain";
}

/** A chain as far as it was followed. */
export interface AuditVerdict {
  readonly lines: number;
  /** Where the file begins: not with the first event, if its beginning was taken away. */
  readonly first?: AuditPlace;
  readonly last: AuditPlace;
  /** The first thing that is wrong. */
  readonly broken?: { readonly line: number; readonly why: string };
}

/** Follows the chain through `lines`, and stops at the first break. */
export async function verifyChain(lines: AsyncIterable<string> | Iterable<string>): Promise<AuditVerdict> {
  let first: AuditPlace | undefined;
  let last: AuditPlace | undefined;
  let count = 0;
  for await (const line of lines) {
    count++;
    const why = (() => {
      const link = readLink(line);
      if (typeof link === "string") return link;
      if (last !== undefined && link.prev !== last.hash)
        return `what stood before it, after event ${last.seq}, was changed or taken out`;
      if (link.seq !== (last?.seq ?? link.seq - 1) + 1) return "events are missing before it";
      if (link.seq === 1 && link.prev !== "") return "it says that it is the first, and names another before it";
      first ??= { seq: link.seq, hash: link.hash };
      last = { seq: link.seq, hash: link.hash };
      return undefined;
    })();
    if (why !== undefined) return verdict(count, { line: count, why });
  }
  return verdict(count);

  function verdict(lines: number, broken?: AuditVerdict["broken"]): AuditVerdict {
    return {
      lines,
      ...(first === undefined ? {} : { first }),
      last: last ?? beforeTheFirst,
      ...(broken === undefined ? {} : { broken }),
    };
  }
}
