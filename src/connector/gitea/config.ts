import { z } from "zod";
import {
  address,
  checkEmailVerified,
  flag,
  oauthClientKeys,
  orgs,
  pkce,
  texts,
  tlsKeys,
} from "../shared/config-words.ts";

/** `connectors[].config` of type `gitea`: Dex's keys, and the last ones, which are ours. */
export const giteaConfig = z.object({
  ...oauthClientKeys,
  baseURL: address("https://gitea.com", "Where Gitea or Forgejo is."),
  orgs: orgs(
    "Who may sign in: members of one of these, or of one of its `teams` where there are some. Only these are told.",
  ),
  loadAllGroups: flag("Without `orgs`: every organization and team of the person is a group."),
  useLoginAsID: flag("The login name is the user id. It can be given to somebody else."),
  includeOrgs: flag("Ours: organizations count without a team of theirs too."),
  insecureIgnoreTeams: flag("Ours: any team of an organization is enough, whatever its `teams` say, as in Dex."),
  scopes: texts(
    "Ours: what is asked for, such as `read:user read:organization`. Default nothing, which older servers take for everything.",
  ),
  checkEmailVerified,
  ...tlsKeys,
  pkce,
});

export type GiteaConfig = z.infer<typeof giteaConfig>;
