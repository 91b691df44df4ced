import type { KindName, RecordKinds, UserKey } from "../records.ts";

/** Whose a record is, of the kinds that can be asked for by person. */
const owners: { readonly [K in KindName]?: (record: RecordKinds[K]["record"]) => UserKey } = {
  refreshTokens: ({ claims, connectorId }) => ({ userId: claims.userId, connectorId }),
  authSessions: ({ userId, connectorId }) => ({ userId, connectorId }),
};

export const ownerOf = <K extends KindName>(kind: K, record: RecordKinds[K]["record"]): UserKey | undefined =>
  owners[kind]?.(record);
