import { z } from "zod";
import { checkEmailVerified, flag, isAddress, oauthClientKeys, orgs, pkce, text } from "../shared/config-words.ts";

/** `connectors[].config` of type `github`: Dex's keys, and the last ones, which are ours. */
export const githubConfig = z
  .object({
    ...oauthClientKeys,
    org: text("Old: one organization, whose teams are told without its name. Use `orgs`."),
    orgs: orgs("Who may sign in: members of one of these, or of one of its `teams` where there are some."),
    hostName: text("GitHub Enterprise: its name. Default github.com."),
    rootCA: text("With `hostName`: an authority to trust besides the system's: a path, PEM, or base64 of PEM."),
    teamNameField: z
      .string()
      .default("")
      .refine(
        (value) => ["", "name", "slug", "both"].includes(value),
        "invalid connector config: unsupported team name field value",
      )
      .meta({ description: "What a team is called: `name` (default), `slug` or `both`." }),
    loadAllGroups: flag("Without `orgs`: every organization and team of the person is a group."),
    useLoginAsID: flag("The login name is the user id. It can be given to somebody else."),
    preferredEmailDomain: text(
      "The address of this domain is taken where there is one. `*` stands for one whole label.",
    ).refine((value) => !value.endsWith("*"), 'invalid PreferredEmailDomain: glob pattern cannot end with "*"'),
    includeOrgs: flag("Ours: an organization of `orgs` is a group too, not only its teams."),
    insecureIgnoreOrg: flag("Ours: `org` keeps nobody out, as in Dex."),
    checkEmailVerified,
    pkce,
    baseURL: text("Ours: where people sign in, if not at `https://github.com` or `hostName`. For a proxy."),
    apiURL: text("Ours: where the API is, if not at `https://api.github.com` or below `hostName`. For a proxy."),
  })
  .superRefine(({ org, orgs, hostName, rootCA, baseURL, apiURL }, context) => {
    const mistakes: readonly (readonly [isThere: boolean, key: string, message: string])[] = [
      [org !== "" && orgs.length > 0, "org", "github: cannot use both 'org' and 'orgs' fields simultaneously"],
      [hostName.includes("/"), "hostName", "invalid hostname: hostname cannot contain `/`"],
      [
        hostName === "" && rootCA !== "",
        "rootCA",
        "invalid connector config: Host name field required for a root certificate file",
      ],
      [baseURL !== "" && !isAddress(baseURL), "baseURL", "no http or https address"],
      [apiURL !== "" && !isAddress(apiURL), "apiURL", "no http or https address"],
    ];
    for (const [isThere, key, message] of mistakes) {
      if (isThere) context.addIssue({ code: "custom", path: [key], message });
    }
  });

export type GithubConfig = z.infer<typeof githubConfig>;

/** Where its web pages and its API are, no slash at the end. */
export function placesOf({ hostName, baseURL, apiURL }: GithubConfig): { readonly web: string; readonly api: string } {
  const trimmed = (given: string, usual: string): string => (given || usual).replace(/\/+$/, "");
  return hostName === ""
    ? { web: trimmed(baseURL, "https://github.com"), api: trimmed(apiURL, officialApi) }
    : { web: trimmed(baseURL, `https://${hostName}`), api: trimmed(apiURL, `https://${hostName}/api/v3`) };
}

export const officialApi = "https://api.github.com";
