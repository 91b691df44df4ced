import { z } from "zod";
import { address, flag, oauthClientKeys, texts } from "../shared/config-words.ts";

export const officialApi = "https://api.bitbucket.org";

/** `connectors[].config` of type `bitbucket-cloud`: Dex's keys, and the last ones, which are ours. */
export const bitbucketCloudConfig = z.object({
  ...oauthClientKeys,
  teams: texts(
    "Who may sign in: members of one of these workspaces, by slug, or `slug:permission` with `getWorkspacePermissions`. Only these are told.",
  ),
  includeTeamGroups: flag("Old, and without any effect."),
  getWorkspacePermissions: flag("Also tell `slug:permission` for each workspace: `team:owner`."),
  preferredUsernameField: z.enum(["", "username", "nickname", "display_name"]).default("").meta({
    description: "Ours: what `preferred_username` is. Default, as in Dex, there is none.",
  }),
  useDisplayName: flag(
    "Ours: the name is the one that Bitbucket shows. In Dex it is the user name, which newer accounts lack.",
  ),
  baseURL: address("https://bitbucket.org", "Ours: where people sign in. For a proxy."),
  apiURL: address(officialApi, "Ours: where the API is. For a proxy."),
});

export type BitbucketCloudConfig = z.infer<typeof bitbucketCloudConfig>;
