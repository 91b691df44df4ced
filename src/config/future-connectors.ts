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

export const futureConnectors: Readonly<Record<string, KeyNames>> = {
  microsoft: {
    ...oauthClient,
    ...words(
      "clientAssertion tenant onlySecurityGroups groups groupNameFormat useGroupsAsWhitelist emailToLowercase batchGroupLookups " +
        "apiURL graphURL promptType domainHint scopes preferredUsernameField",
    ),
  },
  openshift: { ...oauthClient, ...words("issuer groups insecureCA rootCA") },
};
