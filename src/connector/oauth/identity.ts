import type { Identity } from "../contract.ts";
import { type Claims, claimsIn } from "../shared/claims.ts";
import type { OauthConfig } from "./config.ts";
import { goNumber } from "./go-number.ts";

/** Who userinfo speaks of. `accessToken` is looked into for groups, where they are wanted. @throws {Error} No usable id. */
export function readIdentity(
  info: Claims,
  accessToken: string,
  config: OauthConfig,
  wantsGroups: boolean,
): Omit<Identity, "connectorData"> {
  const { claimMapping: keys, insecureSkipEmailVerified } = config;
  const textOf = (key: string): string => {
    const value = info.get(key);
    return typeof value === "string" ? value : "";
  };
  const preferredUsername = textOf(keys.preferredUsernameKey || "preferred_username");
  const email = textOf(keys.emailKey || "email");
  const verified = info.get(keys.emailVerifiedKey || "email_verified");
  const groupsKey = keys.groupsKey || "groups";
  const groups = wantsGroups ? [...groupsIn(info, groupsKey), ...groupsIn(payloadOf(accessToken), groupsKey)] : [];
  return {
    userId: userIdIn(info, config),
    username: textOf(keys.userNameKey || "user_name"),
    ...(preferredUsername === "" ? {} : { preferredUsername }),
    ...(email === "" ? {} : { email }),
    emailVerified: typeof verified === "boolean" ? verified : insecureSkipEmailVerified,
    // Dex's order is a matter of chance.
    groups: [...new Set(groups)].sort(),
  };
}

/** Text as it is; a number as Dex prints it, unless it is to be decimal. */
function userIdIn(info: Claims, { userIDKey, userIDFormat }: OauthConfig): string {
  const key = userIDKey || "id";
  const value = info.get(key);
  if (value === undefined) throw new Error(`OAuth Connector: not found ${key} claim`);
  if (typeof value === "string" && value.isWellFormed()) {
    // Everybody without an id would be one person.
    if (value === "") throw new Error(`OAuth Connector: the ${key} claim is empty`);
    return value;
  }
  if (typeof value === "bigint") {
    if (userIDFormat === "decimal") return value.toString();
    // Rounded to a double, as Dex does, it would be its neighbour's too.
    throw new Error(
      `OAuth Connector: the ${key} claim is too large a number to tell two people apart; see userIDFormat`,
    );
  }
  if (typeof value === "number") {
    return userIDFormat === "decimal" && Number.isSafeInteger(value) ? value.toString() : goNumber(value);
  }
  throw new Error(`OAuth Connector: ${key} claim should be string or number, got ${goTypeOf(value)}`);
}

function goTypeOf(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  return { boolean: "bool", object: "map[string]interface {}" }[typeof value as string] ?? "string";
}

function groupsIn(claims: Claims | undefined, key: string): readonly string[] {
  const value = claims?.get(key);
  if (!Array.isArray(value)) return [];
  return value.flatMap((member: unknown) => {
    if (typeof member === "string") return [member];
    if (typeof member !== "object" || member === null || !Object.hasOwn(member, "name")) return [];
    const name = Reflect.get(member, "name");
    return typeof name === "string" ? [name] : [];
  });
}

/** Not verified: the token came straight from the token endpoint, over the same connection as everything else. */
function payloadOf(accessToken: string): Claims | undefined {
  const payload = accessToken.split(".")[1];
  return payload === undefined ? undefined : claimsIn(Buffer.from(payload, "base64url").toString());
}
