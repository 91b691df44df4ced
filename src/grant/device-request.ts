import { keyedHash } from "../kernel/derive.ts";
import { idFromBytes, newLongId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AuthCode, DeviceRequest, DeviceToken, Pkce } from "../storage/records.ts";
import { newUserCode } from "../token/user-code.ts";
import type { GrantDeps } from "./contract.ts";

/**
 * What is stored while a device waits: the request, by user code, and what the device will get, by a keyed hash of its
 * device code. Neither holds anything to log in with: an approved device's tokens are made when it asks for them.
 * RFC 8628. Records that Dex left pending are served to their end.
 */
export type DeviceDeps = Pick<GrantDeps, "storage" | "codeKey" | "deviceLifetime" | "clock" | "random">;

/** `complete` is Dex's alone: its records hold finished tokens. A Dex that meets one of ours calls the code invalid. */
export const deviceStatus = {
  pending: "authorization_pending",
  approved: "approved",
  denied: "denied",
  dexComplete: "complete",
} as const;

/** Seconds between two polls. RFC 8628 §3.2. */
export const pollInterval = 5;

export interface DeviceCodes {
  readonly deviceCode: string;
  readonly userCode: string;
}

/** A device asks. The token record first: a user code must never lead to nothing. */
export async function beginDevice(
  asked: Pkce & { readonly clientId: string; readonly scopes: readonly string[] },
  deps: DeviceDeps,
): Promise<DeviceCodes> {
  const deviceCode = newLongId(deps.random);
  const id = deviceRecordId(deps.codeKey, deviceCode);
  const now = deps.clock.now();
  const expiry = now + deps.deviceLifetime;
  const { clientId, scopes, codeChallenge, codeChallengeMethod } = asked;
  await deps.storage.deviceTokens.create({
    deviceCode: id,
    status: deviceStatus.pending,
    token: writeNote({ clientId }),
    expiry,
    lastRequest: now,
    pollInterval: 0,
    codeChallenge,
    codeChallengeMethod,
  });
  // The client has proved itself already; its secret is stored nowhere once more. compat(dex): there it is.
  const request = { deviceCode: id, clientId, clientSecret: new Secret(""), scopes, expiry };
  for (;;) {
    const userCode = newUserCode(deps.random);
    try {
      await deps.storage.deviceRequests.create({ ...request, userCode });
      return { deviceCode, userCode };
    } catch (error) {
      // Twenty letters to the eighth: two devices draw the same one day.
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
  }
}

/** The request behind a user code that still counts. */
export async function findDeviceRequest(userCode: string, deps: DeviceDeps): Promise<DeviceRequest | undefined> {
  const request = await deps.storage.deviceRequests.get(userCode);
  return request === undefined || deps.clock.now() > request.expiry ? undefined : request;
}

/** Dex's device codes were 51 characters as ours are, and the record's key themselves. */
export const isDexRequest = ({ deviceCode }: DeviceRequest): boolean => !deviceCode.startsWith(recordPrefix);

/** Hands `code` to the device. Once only, and the user code with it. False: it was too late. */
export const approveDevice = (request: DeviceRequest, code: AuthCode, deps: DeviceDeps): Promise<boolean> =>
  settle(
    request,
    { status: deviceStatus.approved, token: writeNote({ clientId: code.clientId, codeId: code.id }) },
    deps,
  );

/** The person said no: the device hears it at its next poll. RFC 8628 §3.5. */
export const denyDevice = (request: DeviceRequest, deps: DeviceDeps): Promise<boolean> =>
  settle(request, { status: deviceStatus.denied, token: writeNote({ clientId: request.clientId }) }, deps);

async function settle(
  request: DeviceRequest,
  change: Pick<DeviceToken, "status" | "token">,
  deps: DeviceDeps,
): Promise<boolean> {
  let isSettled = false;
  await deps.storage.deviceTokens.update(request.deviceCode, (current) => {
    isSettled = current.status === deviceStatus.pending && deps.clock.now() <= current.expiry;
    return isSettled ? { ...current, ...change } : current;
  });
  await deps.storage.deviceRequests.delete(request.userCode);
  return isSettled;
}

const recordPrefix = "h1";

/** "1" is in no id of Dex, so the one is never taken for the other. */
const deviceRecordId = (key: Uint8Array, deviceCode: string): string =>
  recordPrefix + idFromBytes(keyedHash(key, "device", deviceCode));

/** The record of a presented device code: ours, or one that Dex keyed by the code itself. */
export async function findDeviceToken(deviceCode: string, deps: DeviceDeps): Promise<DeviceToken | undefined> {
  if (!/^[a-z][a-z2-7]{50}$/.test(deviceCode)) return undefined;
  const { deviceTokens } = deps.storage;
  return (await deviceTokens.get(deviceRecordId(deps.codeKey, deviceCode))) ?? (await deviceTokens.get(deviceCode));
}

/** What we keep where Dex keeps finished tokens: whose the device is, and which stored code it may redeem. No bearer value. */
export interface DeviceNote {
  readonly clientId: string;
  readonly codeId?: string;
}

const notePrefix = "$d1$";

const writeNote = (note: DeviceNote): Secret => new Secret(notePrefix + JSON.stringify(note));

/** Undefined: Dex wrote this record. */
export function readNote({ token }: DeviceToken): DeviceNote | undefined {
  const text = token.reveal();
  // Nobody else writes the prefix, so what follows is ours.
  return text.startsWith(notePrefix) ? (JSON.parse(text.slice(notePrefix.length)) as DeviceNote) : undefined;
}
