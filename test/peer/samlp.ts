/** npm's `samlp` as an identity provider, in this process: no login form, and each answer can be told how to be made. */
import { auth, metadata } from "samlp";
import { bodyOf, loopbackServer } from "../fake/loopback-server.ts";
import { type KeyPair, makeKeyPair } from "../fake/saml-documents.ts";

export interface SamlpUser {
  readonly id: string;
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
}

export const samlpJane: SamlpUser = {
  id: "jane",
  claims: { name: "Jane Doe", email: "janedoe@example.com", groups: ["admins", "developers"] },
};

export interface Samlp {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly metadataUrl: string;
  readonly key: KeyPair;
  user: SamlpUser;
  /** Options of `samlp` for the answers to come. */
  options: Readonly<Record<string, unknown>>;
  /** Signs with another key from now on; the metadata lists it alone. */
  rotateKey(): void;
  /** What the metadata's address does. */
  metadataMode: "good" | "silent" | "broken" | "garbage";
  metadataAsked: number;
  close(): Promise<void>;
}

const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/** samlp's contract: claims, a name, and a static list. */
function mapperOf(idp: Pick<Samlp, "user">) {
  class Mapper {
    getClaims = () => idp.user.claims;
    getNameIdentifier = () => ({ nameIdentifier: idp.user.id, nameIdentifierFormat: persistent });
  }
  return Object.assign(() => new Mapper(), { prototype: { metadata: [] } });
}

export async function startSamlp(acsUrl: string): Promise<Samlp> {
  let key = makeKeyPair("samlp");
  const server = await loopbackServer(async (request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const body = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
    const [query, reply] = [Object.fromEntries(url.searchParams), shim(response)];
    const given = Object.assign(request, {
      query,
      body,
      originalUrl: request.url,
      protocol: "http",
      get: () => undefined,
    });
    const settings = {
      ...{
        issuer: idp.entityId,
        cert: key.certificate,
        key: key.key,
        profileMapper: mapperOf(idp),
        lifetimeInSeconds: 300,
      },
      ...{
        signatureAlgorithm: "rsa-sha256",
        digestAlgorithm: "sha256",
        plain_form: true,
        recipient: acsUrl,
        destination: acsUrl,
      },
      getUserFromRequest: () => idp.user,
      getPostURL: (_audience: unknown, _dom: unknown, _request: unknown, done: (error: null, url: string) => void) =>
        done(null, acsUrl),
      ...idp.options,
    };
    const fail = (error?: unknown) => response.writeHead(500).end(String(error));
    if (url.pathname !== "/metadata") return auth(settings)(given, reply, fail);
    idp.metadataAsked++;
    if (idp.metadataMode === "silent") return;
    if (idp.metadataMode === "broken") return void response.writeHead(503).end();
    if (idp.metadataMode === "garbage") return void response.end("<html>Sign in to the hotel's network</html>");
    metadata({ ...settings, redirectEndpointPath: "/sso", postEndpointPath: "/sso" })(given, reply, fail);
  });
  const idp: Samlp = {
    entityId: `${server.url}/idp`,
    ssoUrl: `${server.url}/sso`,
    metadataUrl: `${server.url}/metadata`,
    get key() {
      return key;
    },
    user: samlpJane,
    options: {},
    metadataMode: "good",
    metadataAsked: 0,
    rotateKey() {
      key = makeKeyPair("samlp, rotated");
    },
    close: server.close,
  };
  return idp;
}

/** The two calls of Express that samlp makes. */
function shim(response: { setHeader(name: string, value: string): unknown; end(text: string): unknown }): object {
  return Object.assign(response, {
    set: (name: string, value: string) => response.setHeader(name, value),
    send: (text: string) => response.end(text),
  });
}
