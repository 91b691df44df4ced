import { z } from "zod";
import {
  address,
  checkEmailVerified,
  flag,
  oauthClientKeys,
  pkce,
  text,
  texts,
  tlsKeys,
} from "../shared/config-words.ts";

/** `connectors[].config` of type `gitlab`: Dex's keys, and the last ones, which are ours. */
export const gitlabConfig = z.object({
  ...oauthClientKeys,
  baseURL: address("https://gitlab.com", "Where GitLab is."),
  groups: texts(
    "Who may sign in: members of one of these, by full path (`ops/project`), or `path:role` with `getGroupsPermission`. Only these are told.",
  ),
  useLoginAsID: flag("The user name is the user id. It can be given to somebody else."),
  getGroupsPermission: flag("Also tell `path:role` for each group: `ops:owner`."),
  inheritedGroups: flag("Tell groups that are inherited from others too. Needs the scope `read_api`."),
  rootCAData: text("Authorities to trust besides the system's: base64 of PEM.").refine(
    (value) => value === "" || pemIn(value).includes("-----BEGIN CERTIFICATE-----"),
    "gitlab: invalid rootCAData",
  ),
  ...tlsKeys,
  tokenExchangeAudiences: texts(
    "Ours: applications (their ids) besides our own whose access tokens may be exchanged for ours.",
  ),
  checkEmailVerified,
  pkce,
});

export type GitlabConfig = z.infer<typeof gitlabConfig>;

export const pemIn = (rootCAData: string): string => Buffer.from(rootCAData, "base64").toString("latin1");
