import type { Claims } from "../../records.ts";
import { textList } from "../dex-json.ts";
import { boolOf, column, type LogicalRow, textOf } from "./kind.ts";

/** What six tables hold of a login, under the same names. */
export const claimsColumns = [
  column("claims_user_id", "text"),
  column("claims_username", "text"),
  column("claims_preferred_username", "text"),
  column("claims_email", "text"),
  column("claims_email_verified", "bool"),
  column("claims_groups", "json"),
];

export const writeClaims = (claims: Claims): LogicalRow => ({
  claims_user_id: claims.userId,
  claims_username: claims.username,
  claims_preferred_username: claims.preferredUsername,
  claims_email: claims.email,
  claims_email_verified: claims.emailVerified,
  claims_groups: listOrNull(claims.groups),
});

export const readClaims = (row: LogicalRow): Claims => ({
  userId: textOf(row, "claims_user_id"),
  username: textOf(row, "claims_username"),
  preferredUsername: textOf(row, "claims_preferred_username"),
  email: textOf(row, "claims_email"),
  emailVerified: boolOf(row, "claims_email_verified"),
  groups: textList(row.claims_groups),
});

/** Dex writes a list that was never set as `null`, and reads both alike. */
export const listOrNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);
