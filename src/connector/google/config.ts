import { z } from "zod";
import { flag, oauthClientKeys, optionalText, text, texts } from "../shared/config-words.ts";

const address = (usual: string, description: string) =>
  z
    .string()
    .default(usual)
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "no http or https address")
    .meta({ description });

/** `connectors[].config` of type `google`: Dex's keys, and the last ones, which are ours. */
export const googleConfig = z
  .object({
    ...oauthClientKeys,
    scopes: texts("What is asked for besides `openid`. Default `profile` and `email`."),
    hostedDomains: texts("Only people of these Google Workspace domains may sign in."),
    groups: texts("Only members of these groups, by address, may sign in, and only these are told."),
    serviceAccountFilePath: text(
      "The key of a service account with domain-wide delegation. Default the machine's own account, on Google Cloud.",
    ),
    adminEmail: text("Deprecated: `domainToAdminEmail` with the domain `*`."),
    domainToAdminEmail: z.record(z.string(), z.string()).default({}).meta({
      description: "Whom the service account acts for, by domain; `*` is any other. Without it no groups are read.",
    }),
    fetchTransitiveGroupMembership: flag("Groups of groups, too."),
    promptType: optionalText("`prompt` for clients that want `offline_access`. Default `consent`; empty: none."),
    skipUnreadableGroups: flag(
      "Ours: a nested group whose own groups may not be read (of another domain) is passed over, with a warning.",
    ),
    tokenExchangeAudiences: texts("Ours: further clients of Google whose tokens may be exchanged."),
    endpoints: z
      .object({
        authorizationURL: address("https://accounts.google.com/o/oauth2/v2/auth", "Where the person is sent."),
        tokenURL: address("https://oauth2.googleapis.com/token", "Where codes are redeemed."),
        keysURL: address("https://www.googleapis.com/oauth2/v3/certs", "The keys of ID tokens."),
        userInfoURL: address("https://openidconnect.googleapis.com/v1/userinfo", "Who an access token speaks of."),
        tokenInfoURL: address("https://oauth2.googleapis.com/tokeninfo", "Whose client an access token is for."),
        directoryURL: address("https://admin.googleapis.com", "The Directory API."),
        metadataURL: address("http://metadata.google.internal", "The metadata server of Google Cloud."),
        credentialsURL: address("https://iamcredentials.googleapis.com", "The IAM Service Account Credentials API."),
      })
      .prefault({})
      .meta({ description: "Ours: Google's addresses, where they are reached another way." }),
  })
  .superRefine(({ serviceAccountFilePath, adminEmail, domainToAdminEmail, groups }, context) => {
    const hasDirectory = adminEmail !== "" || Object.keys(domainToAdminEmail).length > 0;
    if (hasDirectory) return;
    if (serviceAccountFilePath !== "") {
      const message = "directory service requires the domainToAdminEmail option to be configured";
      context.addIssue({ code: "custom", path: ["domainToAdminEmail"], message });
    } else if (groups.length > 0) {
      const message =
        "groups cannot be read without domainToAdminEmail, so nobody could sign in (Dex lets everybody in)";
      context.addIssue({ code: "custom", path: ["groups"], message });
    }
  });

export type GoogleConfig = z.infer<typeof googleConfig>;

/** The administrator for each domain; undefined: there is no directory to ask. */
export function administrators({
  adminEmail,
  domainToAdminEmail,
}: GoogleConfig): ReadonlyMap<string, string> | undefined {
  const all = new Map(Object.entries(domainToAdminEmail));
  if (adminEmail !== "") all.set("*", adminEmail);
  return all.size === 0 ? undefined : all;
}
