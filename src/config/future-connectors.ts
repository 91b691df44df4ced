/**
 * Key names of the connector types that are known and not built, so that a misspelt one is noticed before
 * they are. `true` is any value; an object is a mapping of these keys, or a list of such mappings. An entry
 * goes when its type joins `connector/registry.ts`.
 */
export interface KeyNames {
  readonly [key: string]: true | KeyNames;
}

const words = (text: string): KeyNames => Object.fromEntries(text.split(" ").map((key) => [key, true]));

const oauthClient = words("clientID clientSecret redirectURI");
const teams = { orgs: words("name teams") };

export const futureConnectors: Readonly<Record<string, KeyNames>> = {
  github: {
    ...oauthClient,
    ...words("org hostName rootCA teamNameField loadAllGroups useLoginAsID preferredEmailDomain"),
    ...teams,
  },
  gitlab: { ...oauthClient, ...words("baseURL groups useLoginAsID getGroupsPermission inheritedGroups rootCAData") },
  linkedin: oauthClient,
  microsoft: {
    ...oauthClient,
    ...words(
      "clientAssertion tenant onlySecurityGroups groups groupNameFormat useGroupsAsWhitelist emailToLowercase batchGroupLookups " +
        "apiURL graphURL promptType domainHint scopes preferredUsernameField",
    ),
  },
  "bitbucket-cloud": { ...oauthClient, ...words("teams includeTeamGroups getWorkspacePermissions") },
  openshift: { ...oauthClient, ...words("issuer groups insecureCA rootCA") },
  gitea: { ...oauthClient, ...words("baseURL loadAllGroups useLoginAsID"), ...teams },
};
