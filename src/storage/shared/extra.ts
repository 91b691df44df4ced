/** What Dex's formats have no place for, as the JSON that each backend keeps beside them. Undefined is nothing. */
import { Secret } from "../../kernel/secret.ts";
import type { AuthSessionExtra, Client, KindName, RecordKinds } from "../records.ts";
import {
  boolMember,
  bytesMember,
  isObject,
  type JsonObject,
  member,
  numberMember,
  textList,
  textMember,
} from "./dex-json.ts";
import { readAuthCodeExtra, readAuthRequestExtra, readRefreshExtra, readSpentCode } from "./login-extras.ts";
import { readJwk } from "./parts-of-keys.ts";

export interface ExtraOf<Rec> {
  write(record: Rec): JsonObject | undefined;
  read(record: Rec, extra: JsonObject): Rec;
}

const plain = (extra: object | undefined): JsonObject | undefined => (extra === undefined ? undefined : { ...extra });

/** The kinds that have something beside Dex's fields. */
export const extras: { readonly [K in KindName]?: ExtraOf<RecordKinds[K]["record"]> } = {
  authRequests: {
    write: ({ extra }) => plain(extra),
    read: (record, extra) => ({ ...record, extra: readAuthRequestExtra(extra) }),
  },
  authCodes: {
    write: ({ extra, spent }) => plain(spent === undefined ? extra : { ...extra, spent }),
    read(record, extra) {
      const spent = readSpentCode(extra);
      const { length } = Object.keys(extra);
      return {
        ...record,
        ...(spent === undefined || length > 1 ? { extra: readAuthCodeExtra(extra) } : {}),
        ...(spent === undefined ? {} : { spent }),
      };
    },
  },
  refreshTokens: {
    write: ({ extra }) => plain(extra),
    read: (record, extra) => ({ ...record, extra: readRefreshExtra(extra) }),
  },
  authSessions: {
    write: ({ extra }) => extra && writeSessionExtra(extra),
    read: (record, extra) => ({ ...record, extra: readSessionExtra(extra) }),
  },
  keys: {
    write: ({ extra }) =>
      extra?.next && { next: { key: extra.next.key.reveal(), publishedAt: extra.next.publishedAt } },
    read(record, extra) {
      const next = member(extra, "next");
      const key = isObject(next) ? member(next, "key") : undefined;
      if (!isObject(next) || !isObject(key)) return record;
      return {
        ...record,
        extra: { next: { key: new Secret(readJwk(key)), publishedAt: numberMember(next, "publishedAt") } },
      };
    },
  },
};

/** Where Dex itself has no place for it: its SQL tables and its custom resources lose it. */
export const clientExtra: ExtraOf<Client> = {
  write({ clientCredentialsGroups, frontchannelLogoutUri }) {
    const extra = {
      ...(clientCredentialsGroups.length === 0 ? {} : { clientCredentialsGroups }),
      ...(frontchannelLogoutUri === undefined ? {} : { frontchannelLogoutUri }),
    };
    return Object.keys(extra).length === 0 ? undefined : extra;
  },
  read(record, extra) {
    const frontchannelLogoutUri = textMember(extra, "frontchannelLogoutUri");
    const groups = member(extra, "clientCredentialsGroups");
    return {
      ...record,
      ...(groups === undefined ? {} : { clientCredentialsGroups: textList(groups) }),
      ...(frontchannelLogoutUri === "" ? {} : { frontchannelLogoutUri }),
    };
  },
};

const writeSessionExtra = ({ connectorData, ...simple }: AuthSessionExtra): JsonObject => ({
  ...simple,
  ...(connectorData === undefined ? {} : { connectorData: Buffer.from(connectorData.reveal()).toString("base64") }),
});

function readSessionExtra(value: JsonObject): AuthSessionExtra {
  const [acr, upstreamSessionId] = [textMember(value, "acr"), textMember(value, "upstreamSessionId")];
  const [authTime, amr] = [numberMember(value, "authTime"), textList(member(value, "amr"))];
  const connectorData = bytesMember(value, "connectorData");
  const [factors, contexts] = [textList(member(value, "factors")), textList(member(value, "contexts"))];
  return {
    ...(authTime === 0 ? {} : { authTime }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(acr === "" ? {} : { acr }),
    ...(factors.length === 0 ? {} : { factors }),
    ...(contexts.length === 0 ? {} : { contexts }),
    ...(boolMember(value, "isRemembered") ? { isRemembered: true } : {}),
    ...(boolMember(value, "isOnlineOnly") ? { isOnlineOnly: true } : {}),
    ...(connectorData.byteLength === 0 ? {} : { connectorData: new Secret(connectorData) }),
    ...(upstreamSessionId === "" ? {} : { upstreamSessionId }),
  };
}
