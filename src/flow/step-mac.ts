import { createHmac } from "node:crypto";
import { secretEqual } from "../kernel/secret-equal.ts";
import type { AuthRequest } from "../storage/records.ts";

/** The steps of a stored login that an address may name. compat(dex): labels of server/authflow. */
export type FlowStep = "step:continue" | "step:mfa" | "step:approval" | "step:approved" | `authenticator:${string}`;

/**
 * The MAC that lets an address continue a stored login at one step, in one browser. Dex's MAC covers the
 * request's id and the step; ours the browser's secret as well, so that a leaked address is worth nothing.
 */
export function stepMac(request: AuthRequest, step: FlowStep, [browser]: readonly string[]): string {
  if (browser === undefined) throw new Error("a step was to be offered to a browser without a secret");
  return macOf(request, [request.id, step, browser]);
}

/** Whether `mac` continues `request` at `step` here. A link that Dex made, without a browser, is honoured to its end. */
export function isStepMac(mac: string, request: AuthRequest, step: FlowStep, browsers: readonly string[]): boolean {
  if (request.hmacKey.reveal().byteLength === 0) return false;
  if (browsers.some((browser) => secretEqual(mac, stepMac(request, step, [browser])))) return true;
  // Only Dex hands such a MAC out: no request of ours ever shows one.
  return secretEqual(mac, macOf(request, [request.id, step]));
}

/** HMAC-SHA-256 over a protobuf message of one repeated string field. compat(dex): server/internal. */
function macOf(request: AuthRequest, parts: readonly string[]): string {
  const mac = createHmac("sha256", request.hmacKey.reveal());
  for (const part of parts) {
    const bytes = Buffer.from(part);
    mac.update(Buffer.from([0x0a, ...varint(bytes.length)])).update(bytes);
  }
  return mac.digest("base64url");
}

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);
