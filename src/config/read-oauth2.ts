import { quoteGo } from "../kernel/go-quote.ts";
import { type GrantType, grantTypes } from "../oauth/grant-type.ts";
import { type CodeChallengeMethod, isCodeChallengeMethod } from "../oauth/pkce.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Reading } from "./reading.ts";

export interface OAuth2Config {
  /**
   * What is offered, sorted: named or default, less `implicit` where no response type has a token and less
   * `password` where there is no password connector.
   */
  readonly grantTypes: readonly GrantType[];
  readonly responseTypes: readonly string[];
  readonly skipApprovalScreen: boolean;
  readonly alwaysShowLoginScreen: boolean;
  /** Connector ids by domain of `login_hint`. */
  readonly loginHintDomains: Readonly<Record<string, string>>;
  readonly passwordConnector?: string;
  readonly anonymousIntrospection: boolean;
  readonly pkce: { readonly enforce: boolean; readonly codeChallengeMethodsSupported: readonly CodeChallengeMethod[] };
}

/** compat(dex): the words in this order only; `token code` is refused. */
const knownResponseTypes = [
  "code",
  "token",
  "id_token",
  "code token",
  "code id_token",
  "id_token token",
  "code id_token token",
];

const allGrantTypes: readonly GrantType[] = Object.values(grantTypes);

export function readOAuth2(reading: Reading): OAuth2Config {
  const { skipApprovalScreen, alwaysShowLoginScreen, passwordConnector, anonymousIntrospection, pkce } =
    reading.file.oauth2;
  const responseTypes = readResponseTypes(reading);
  return {
    grantTypes: readGrantTypes(reading, responseTypes),
    responseTypes,
    skipApprovalScreen,
    alwaysShowLoginScreen,
    anonymousIntrospection,
    loginHintDomains: reading.file.oauth2.loginHintDomains,
    ...(passwordConnector === "" ? {} : { passwordConnector }),
    pkce: { enforce: pkce.enforce, codeChallengeMethodsSupported: readMethods(reading) },
  };
}

function readResponseTypes({ file, findings }: Reading): readonly string[] {
  const { responseTypes } = file.oauth2;
  responseTypes.forEach((type, index) => {
    if (knownResponseTypes.includes(type)) return;
    const reordered = knownResponseTypes.find((known) => known === type.split(" ").toSorted().join(" "));
    const meant = reordered ?? didYouMean(type, knownResponseTypes);
    findings.refuse(
      "setup",
      `oauth2.responseTypes[${index}]`,
      `failed to initialize server: unsupported response_type ${quoteGo(type)}`,
      meant === undefined ? {} : { didYouMean: meant },
    );
  });
  return responseTypes.length > 0 ? responseTypes : ["code"];
}

function readMethods({ file, findings }: Reading): readonly CodeChallengeMethod[] {
  const methods = file.oauth2.pkce.codeChallengeMethodsSupported;
  methods.forEach((method, index) => {
    if (isCodeChallengeMethod(method)) return;
    findings.refuse(
      "setup",
      `oauth2.pkce.codeChallengeMethodsSupported[${index}]`,
      `failed to initialize server: unsupported PKCE challenge method ${quoteGo(method)}`,
      { hint: "S256 or plain" },
    );
  });
  return methods.length > 0 ? methods.filter(isCodeChallengeMethod) : ["S256", "plain"];
}

function readGrantTypes({ file, findings, flags }: Reading, responseTypes: readonly string[]): readonly GrantType[] {
  const { grantTypes: named, passwordConnector } = file.oauth2;
  const isKnown = (name: string): name is GrantType => allGrantTypes.some((known) => known === name);
  named.forEach((name, index) => {
    if (isKnown(name)) return;
    const meant = didYouMean(name, allGrantTypes);
    findings.warn(
      `oauth2.grantTypes[${index}]`,
      `unknown grant type ${quoteGo(name)}, which is ignored`,
      meant === undefined ? {} : { didYouMean: meant },
    );
  });
  const byDefault = allGrantTypes.filter(
    (grant) => grant !== grantTypes.clientCredentials || flags.DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT,
  );
  const hasToken = responseTypes.some((type) => type.split(" ").includes("token"));
  const offered = (named.length > 0 ? named.filter(isKnown) : byDefault).filter(
    (grant) =>
      (grant !== grantTypes.implicit || hasToken) && (grant !== grantTypes.password || passwordConnector !== ""),
  );
  if (offered.length === 0) findings.warn("oauth2.grantTypes", "no grant is left: every token request will be refused");
  return [...new Set(offered)].toSorted();
}
