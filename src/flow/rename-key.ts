import type { UserKey } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { OwnFactor } from "./remove-factor.ts";

const longestName = 64;

/** What a person may call a key: a line without what would upset a page or a terminal; undefined: nothing is left. */
export function keyName(text: string): string | undefined {
  const name = [...text.replace(/[\p{C}\s]+/gu, " ").trim()].slice(0, longestName).join("").trim();
  return name === "" ? undefined : name;
}

/** Gives a key another name. False: its person has no such key. */
export async function renameKey(
  { userId, connectorId }: UserKey,
  { factorId, keyId }: Required<OwnFactor>,
  name: string,
  { storage }: Pick<FlowDeps, "storage">,
): Promise<boolean> {
  let isRenamed = false;
  await storage.userIdentities.update({ userId, connectorId }, (current) => {
    const keys = Object.hasOwn(current.webauthnCredentials, factorId) ? current.webauthnCredentials[factorId] : [];
    const renamed = (keys ?? []).map((key) =>
      Buffer.from(key.credentialId).toString("base64url") === keyId ? { ...key, displayName: name } : key,
    );
    isRenamed = renamed.some((key, index) => key !== keys?.[index]);
    return isRenamed
      ? { ...current, webauthnCredentials: { ...current.webauthnCredentials, [factorId]: renamed } }
      : current;
  });
  return isRenamed;
}
