/** What stands beside Dex's columns of a login's records, read back from JSON. Absent members stay absent. */
import type { NamedClaims } from "../../oauth/claims-request.ts";
import type { AuthCodeExtra, AuthRequestExtra, RefreshTokenExtra, SpentCode } from "../records.ts";
import { isObject, type JsonObject, member, numberMember, textList, textMember } from "./dex-json.ts";

export function readAuthRequestExtra(value: JsonObject): AuthRequestExtra {
  const namedClaims = readNamedClaims(value);
  return {
    ...text(value, "responseMode"),
    ...text(value, "flowId"),
    ...(namedClaims === undefined ? {} : { namedClaims }),
    ...list(value, "acrValues"),
    ...(member(value, "acrIsEssential") === true ? { acrIsEssential: true } : {}),
    ...list(value, "uiLocales"),
    ...text(value, "loginHint"),
    ...text(value, "hintedSubject"),
    ...text(value, "sessionId"),
    ...list(value, "amr"),
    ...text(value, "acr"),
    ...list(value, "factors"),
    ...list(value, "contexts"),
    ...text(value, "traceparent"),
  };
}

export function readAuthCodeExtra(value: JsonObject): AuthCodeExtra {
  const namedClaims = readNamedClaims(value);
  return {
    ...(namedClaims === undefined ? {} : { namedClaims }),
    ...text(value, "acr"),
    ...list(value, "amr"),
    // None is not the same as unknown.
    ...(Array.isArray(member(value, "factors")) ? { factors: textList(member(value, "factors")) } : {}),
    ...text(value, "traceparent"),
  };
}

export function readSpentCode(value: JsonObject): SpentCode | undefined {
  const spent = member(value, "spent");
  if (!isObject(spent)) return undefined;
  return {
    clientId: textMember(spent, "clientId"),
    redeemedAt: numberMember(spent, "redeemedAt"),
    refreshTokenId: textMember(spent, "refreshTokenId"),
    accessTokenId: textMember(spent, "accessTokenId"),
    accessTokenExpiry: numberMember(spent, "accessTokenExpiry"),
  };
}

export function readRefreshExtra(value: JsonObject): RefreshTokenExtra {
  const authTime = numberMember(value, "authTime");
  return { ...text(value, "sessionId"), ...(authTime === 0 ? {} : { authTime }), ...readAuthCodeExtra(value) };
}

function readNamedClaims(value: JsonObject): NamedClaims | undefined {
  const named = member(value, "namedClaims");
  return isObject(named)
    ? { idToken: textList(member(named, "idToken")), userinfo: textList(member(named, "userinfo")) }
    : undefined;
}

function text<Name extends string>(value: JsonObject, name: Name): { readonly [N in Name]?: string } {
  const found = textMember(value, name);
  return found === "" ? {} : ({ [name]: found } as { readonly [N in Name]?: string });
}

function list<Name extends string>(value: JsonObject, name: Name): { readonly [N in Name]?: readonly string[] } {
  const found = textList(member(value, name));
  return found.length === 0 ? {} : ({ [name]: found } as { readonly [N in Name]?: readonly string[] });
}
