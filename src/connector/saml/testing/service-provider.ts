import { connectorDeps } from "../../../../test/fake/connector-deps.ts";
import { type HandClock, handClock } from "../../../../test/fake/hand-clock.ts";
import { type KeyPair, makeKeyPair, type ResponseParts } from "../../../../test/fake/saml-documents.ts";
import type { Decision } from "../../../kernel/ports.ts";
import { Secret } from "../../../kernel/secret.ts";
import { systemClock } from "../../../kernel/system.ts";
import type { Callback, ConnectorDeps, Departure, Login, LoginResult, RedirectConnector } from "../../contract.ts";
import { saml } from "../saml.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { attributeOf } from "../xml/tree.ts";

export const acsUrl = "http://127.0.0.1:5556/dex/callback";
/** One key for all tests of a process: making one takes a while. */
export const idpKey: KeyPair = makeKeyPair();

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What every test configures; `idpKey` signs. */
export const baseConfig = {
  ssoURL: "https://idp.example.com/sso",
  ssoIssuer: "https://idp.example.com/idp",
  redirectURI: acsUrl,
  caData: base64(idpKey.certificate),
  usernameAttr: "name",
  emailAttr: "email",
  groupsAttr: "groups",
};

/** A connector with one login in flight, as the callback endpoint would drive it. */
export interface ServiceProvider {
  readonly connector: RedirectConnector;
  readonly clock: HandClock;
  readonly log: readonly string[];
  /** Begins a login: where the browser goes, and the request's id. */
  begin(): Promise<{ readonly departure: Departure; readonly requestId: string }>;
  /** Parts of a response that answers `requestId`. */
  partsFor(requestId: string | undefined): ResponseParts;
  /** The callback with this response; `requestId` is what the browser's state remembers. */
  finish(document: string, requestId: string, options?: FinishOptions): Promise<Finished>;
}

export interface FinishOptions {
  readonly groups?: boolean;
  /** When the request was made; now unless told. */
  readonly requestedAt?: number;
  /** The request asked for a new login. */
  readonly forceAuthn?: boolean;
  /** `document` is the form's value already. */
  readonly isEncoded?: boolean;
}

export interface Finished {
  readonly result: LoginResult | undefined;
  readonly error: Error | undefined;
  /** Name of the check that refused; undefined where none did. */
  readonly refusedBy: string | undefined;
  readonly decisions: readonly Decision[];
}

export async function openServiceProvider(
  config: Readonly<Record<string, unknown>> = {},
  more: Partial<ConnectorDeps> = {},
  clock = handClock(systemClock.now() + 60_000),
): Promise<ServiceProvider> {
  const kept = connectorDeps({ id: "saml", clock });
  const deps: ConnectorDeps = { ...kept, ...more };
  const connector = await saml.open(saml.config.parse({ ...baseConfig, ...config }), deps);
  if (connector.kind !== "redirect") throw new Error("not a redirect connector");
  return {
    connector,
    clock,
    log: kept.log,
    async begin() {
      let remembered = "";
      const departure = await connector.begin(
        new URL(acsUrl),
        (remember) => {
          remembered = remember?.reveal() ?? "";
          return "relay-state";
        },
        loginOf([], true),
      );
      return { departure, requestId: (JSON.parse(remembered) as { id: string }).id };
    },
    partsFor: (requestId) => ({ now: clock.now(), inResponseTo: requestId, acsUrl }),
    async finish(
      document,
      requestId,
      { groups = true, requestedAt = clock.now(), forceAuthn, isEncoded = false } = {},
    ) {
      const decisions: Decision[] = [];
      const remember = new Secret(JSON.stringify({ id: requestId, at: requestedAt, forceAuthn }));
      const callback = callbackWith(isEncoded ? document : base64(document));
      try {
        const result = await connector.finish(callback, remember, loginOf(decisions, groups));
        return { result, error: undefined, refusedBy: failed(decisions), decisions };
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return { result: undefined, error, refusedBy: failed(decisions), decisions };
      }
    },
  };
}

const failed = (decisions: readonly Decision[]): string | undefined =>
  decisions.find(({ outcome }) => outcome === "fail")?.check;

const callbackWith = (samlResponse: string): Callback => ({
  method: "POST",
  url: new URL(acsUrl),
  headers: {},
  form: new Map([["SAMLResponse", samlResponse]]),
  peer: "127.0.0.1",
});

export const loginOf = (decisions: Decision[], groups: boolean): Login => ({
  scopes: { offlineAccess: true, groups },
  trail: { note: (decision) => decisions.push(decision) },
  signal: new AbortController().signal,
});

/** The AuthnRequest of a form, read. */
export function requestIn(departure: Departure) {
  if (departure.kind !== "post") throw new Error("not a form");
  const document = Buffer.from(departure.fields.SAMLRequest ?? "", "base64").toString();
  const root = parseXml(document);
  return { document, root, id: attributeOf(root, "ID") ?? "" };
}
