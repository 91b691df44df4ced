import type { Connector, ConnectorAbout, ConnectorDeps, ConnectorType, Report } from "./contract.ts";

/** A {@link ConnectorType} whose own config type is forgotten: `open` takes the config as it was written and parses it. */
export interface AnyConnectorType {
  readonly type: string;
  readonly about: ConnectorAbout;
  readonly config: { parse(value: unknown): unknown };
  /** @throws {Error} As `config.parse`, or because the upstream cannot be reached. */
  open(config: unknown, deps: ConnectorDeps): Promise<Connector>;
  /** @throws {Error} As `config.parse`, or nothing more can be found out. */
  diagnose?(config: unknown, deps: ConnectorDeps, report: Report): Promise<void>;
}

/** Every connector type, by the name `connectors[].type` gives it. Loaded when configured. */
export const connectorTypes: Readonly<Record<string, () => Promise<AnyConnectorType>>> = {
  "atlassian-crowd": async () => forgetConfig((await import("./atlassian-crowd/atlassian-crowd.ts")).atlassianCrowd),
  authproxy: async () => forgetConfig((await import("./auth-proxy/auth-proxy.ts")).authProxy),
  google: async () => forgetConfig((await import("./google/google.ts")).google),
  keystone: async () => forgetConfig((await import("./keystone/keystone.ts")).keystone),
  "bitbucket-cloud": async () => forgetConfig((await import("./bitbucket-cloud/bitbucket-cloud.ts")).bitbucketCloud),
  gitea: async () => forgetConfig((await import("./gitea/gitea.ts")).gitea),
  github: async () => forgetConfig((await import("./github/github.ts")).github),
  gitlab: async () => forgetConfig((await import("./gitlab/gitlab.ts")).gitlab),
  ldap: async () => forgetConfig((await import("./ldap/ldap.ts")).ldap),
  linkedin: async () => forgetConfig((await import("./linkedin/linkedin.ts")).linkedin),
  microsoft: async () => forgetConfig((await import("./microsoft/microsoft.ts")).microsoft),
  mockCallback: async () => forgetConfig((await import("./mock-callback/mock-callback.ts")).mockCallback),
  saml: async () => forgetConfig((await import("./saml/saml.ts")).saml),
  // compat(dex): the name it had when it was new.
  samlExperimental: async () => forgetConfig({ ...(await import("./saml/saml.ts")).saml, type: "samlExperimental" }),
  mockPassword: async () => forgetConfig((await import("./mock-password/mock-password.ts")).mockPassword),
  oauth: async () => forgetConfig((await import("./oauth/oauth.ts")).oauth),
  openshift: async () => forgetConfig((await import("./openshift/openshift.ts")).openshift),
  oidc: async () => forgetConfig((await import("./oidc/oidc.ts")).oidc),
};

/** Parsing stays inside, so nobody outside needs a cast to hand a type its own config. */
const forgetConfig = <Config>({ type, config, about, open, diagnose }: ConnectorType<Config>): AnyConnectorType => ({
  type,
  config,
  about,
  open: async (written, deps) => open(config.parse(written), deps),
  ...(diagnose === undefined
    ? {}
    : { diagnose: async (written, deps, report) => diagnose(config.parse(written), deps, report) }),
});
