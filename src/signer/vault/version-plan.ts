import type { Millis } from "../../kernel/ports.ts";
import type { TransitKey, TransitVersion } from "./transit-key.ts";

/**
 * When versions of a Transit key take over, as a pure function of what Vault tells and the time. Vault knows two
 * states, latest and older; we hold to four: published → signing → verifying → gone. A new version is shown as soon
 * as it is seen and signs once every cached key set has it; until then we ask Vault for the version before by number.
 * All replicas count from Vault's own creation time, and so change over together without a word between them.
 */
export interface VersionSchedule {
  /** How long others may keep a key set. A version signs no sooner than that after it became public. */
  readonly cache: Millis;
  /** What a replica may be late to see a version, and clocks may differ, without a word. */
  readonly slack: Millis;
  /** How long a version verifies after its last signature: the life of a token. */
  readonly retention: Millis;
}

/** The versions as they count until {@link until}. */
export interface VersionPlan {
  readonly signing: TransitVersion;
  /** The one that signs, those that will, those that did. */
  readonly shown: readonly TransitVersion[];
  /** Milliseconds since the epoch; Infinity when time alone changes nothing. */
  readonly until: number;
}

/** When a version was first seen by a process that was watching; undefined for those that were there at its start. */
export type NoticedAt = (kid: string) => number | undefined;

export function planVersions(
  { versions, minSigningVersion }: TransitKey,
  noticedAt: NoticedAt,
  now: number,
  schedule: VersionSchedule,
): VersionPlan {
  const due = (version: TransitVersion): number => signsFrom(version, noticedAt(version.jwk.kid), schedule);
  const able = versions.filter(({ version }) => version >= minSigningVersion);
  const [first] = able;
  if (first === undefined)
    throw new Error(`Vault signs with no version below ${minSigningVersion}, and has none above`);
  // Whatever is known longest where nothing is known for long: somebody has to sign.
  const signing = able.findLast((version) => due(version) <= now) ?? first;
  const coming = versions.filter(({ version }) => version > signing.version);
  const past = versions.filter(({ version }) => version < signing.version).reverse();
  const end = (version: TransitVersion): number => verifiesUntil(version, versions, schedule);
  const retired = past.filter((version) => end(version) >= now);
  const changes = [...coming.map(due), ...retired.map((version) => end(version) + 1)].filter((at) => at > now);
  return { signing, shown: [signing, ...coming, ...retired], until: Math.min(Infinity, ...changes) };
}

const leadOf = ({ cache, slack }: VersionSchedule): number => cache + slack;

/**
 * A process that was cut off from Vault showed a key set without the new version for longer, and waits for those who
 * hold it; but no longer than another lead, by which the version before is sure to have stopped.
 */
function signsFrom({ createdAt }: TransitVersion, noticed: number | undefined, schedule: VersionSchedule): number {
  const lead = leadOf(schedule);
  if (createdAt === undefined) return noticed === undefined ? 0 : noticed + lead;
  const due = createdAt + lead;
  return noticed === undefined ? due : Math.min(Math.max(due, noticed + schedule.cache), due + lead);
}

/** Until the last token that it can have signed has expired. Without times from Vault, for as long as Vault lists it. */
function verifiesUntil(
  { version }: TransitVersion,
  versions: readonly TransitVersion[],
  schedule: VersionSchedule,
): number {
  const next = versions.find((each) => each.version > version);
  return next?.createdAt === undefined ? Infinity : next.createdAt + 2 * leadOf(schedule) + schedule.retention;
}
