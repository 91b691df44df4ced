import { z } from "zod";
import { keyedHash } from "../kernel/derive.ts";
import type { Fields } from "../kernel/ports.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { LoginAttempts } from "../storage/records.ts";

/** What is guessed at: a password at a connector, by the name typed; a second factor, by the person it belongs to. */
export type Target =
  | { readonly kind: "password"; readonly connectorId: string; readonly username: string }
  | { readonly kind: "factor"; readonly connectorId: string; readonly userId: string };

/** How a target is named in storage: what is typed as a name is sometimes a password, and the database need not know it. */
export interface TargetNames {
  /** A keyed hash. */
  accountOf(target: Target): string;
  /** A known device of the account. */
  deviceOf(account: string, device: string): string;
  /** What {@link openWho} reads, of a target that is being locked: nobody types a password five times as a name. */
  sealWho(id: string, target: Target): string;
  /** Undefined: never locked, or not sealed by us. */
  openWho(record: LoginAttempts): Target | undefined;
}

const longestName = 256;
const purpose = "attempts";
const who = z.tuple([z.enum(["password", "factor"]), z.string(), z.string()]);

export function targetNames(key: Uint8Array, sealer: Sealer): TargetNames {
  return {
    accountOf: (target) => `la${keyedHash(key, ...partsOf(target)).toString("hex")}`,
    deviceOf: (account, device) => `${account}.${keyedHash(key, "device", account, device).toString("hex", 0, 16)}`,
    sealWho: (id, target) => sealer.seal(purpose, id, JSON.stringify(shortPartsOf(target))),
    openWho(record) {
      const text = sealer.open(purpose, record.id, record.who);
      if (text === undefined) return undefined;
      const [kind, connectorId, name] = who.parse(JSON.parse(text));
      return kind === "password" ? { kind, connectorId, username: name } : { kind, connectorId, userId: name };
    },
  };
}

/** Whether a record counts tries at `account`, wherever they came from. */
export const isOfAccount = ({ id }: LoginAttempts, account: string): boolean =>
  id === account || id.startsWith(`${account}.`);

export const isOfKnownDevice = ({ id }: LoginAttempts): boolean => id.includes(".");

/** Of what is typed as a name more is looked at by nobody: all that begins alike is one. */
const longestTyped = 4096;
/** Accents, and what has no width: Active Directory passes over them, so that each of them would be five more guesses. */
const passedOver = /[\p{Script=Inherited}\p{Cf}\p{Default_Ignorable_Code_Point}]+|(?!\s)\p{Cc}/gu;

/** One account in any spelling that an upstream may take for the same. */
const spelling = (name: string): string =>
  name.slice(0, longestTyped).normalize("NFKD").replace(passedOver, "").toLowerCase().replace(/\s+/g, " ").trim();

type Parts = readonly [kind: Target["kind"], connectorId: string, name: string];

const partsOf = (target: Target): Parts =>
  target.kind === "password"
    ? [target.kind, target.connectorId, spelling(target.username)]
    : [target.kind, target.connectorId, target.userId];

/** An operator needs the name; nobody needs a megabyte of it. */
const shortPartsOf = (target: Target): Parts => {
  const [kind, connectorId, name] = partsOf(target);
  return [kind, connectorId, name.slice(0, longestName)];
};

/** As the trail and the log name it. */
export const aboutTarget = (target: Target): Fields => {
  const [kind, connectorId, name] = shortPartsOf(target);
  return { kind, connector_id: connectorId, ...(kind === "password" ? { user: name } : { user_id: name }) };
};
