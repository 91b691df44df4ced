import { audiencesOf } from "../oauth/scope.ts";
import type { Collection } from "../storage/contract.ts";
import type { Client } from "../storage/records.ts";

/** Nobody asks for so many; each is read, and whoever asks need not have proved who they are. */
const mostPeers = 64;

/** The clients among the audiences in `scopes` that list `clientId` in their `trustedPeers`. Reads one client per foreign audience; too many of those are trusted by none. */
export async function trustedBy(
  clientId: string,
  scopes: readonly string[],
  clients: Pick<Collection<string, Client>, "get">,
): Promise<ReadonlySet<string>> {
  const peers = new Set(audiencesOf(scopes));
  peers.delete(clientId);
  if (peers.size === 0 || peers.size > mostPeers) return nobody;
  const found = await Promise.all([...peers].map((id) => clients.get(id)));
  return new Set(found.flatMap((peer) => (peer?.trustedPeers.includes(clientId) === true ? [peer.id] : [])));
}

const nobody: ReadonlySet<string> = new Set();
