import type { Clock, Random } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";

/** The root of every derived key, made by whichever replica starts first. */
export async function loadRootSecret(
  storage: Pick<Storage, "serverSecrets">,
  clock: Clock,
  random: Random,
): Promise<Secret<Uint8Array>> {
  const known = await storage.serverSecrets.get("root");
  if (known !== undefined) return known.key;
  const key = new Secret(random.bytes(32));
  try {
    await storage.serverSecrets.create({ id: "root", key, createdAt: clock.now() });
    return key;
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    const winner = await storage.serverSecrets.get("root");
    if (winner === undefined) throw error;
    return winner.key;
  }
}
