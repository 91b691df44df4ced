/**
 * SimpleSAMLphp as an identity provider, under PHP's built-in server. Which service provider asks decides how it
 * answers: see {@link simpleSamlVariants}. People: jane/foo, john/bar, and asa/bäz, whose name is full of markup.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyPair, makeKeyPair } from "../fake/saml-documents.ts";
import { freePort, missing, type Peer, peerFolder, startPeer } from "./peer.ts";

const installed = "/usr/share/simplesamlphp/www";

/** For `{ skip }`. */
export const noSimpleSaml =
  missing({ php: "php-cli php-xml php-mbstring php-curl php-sqlite3" }) ||
  (existsSync(installed) ? false : "no SimpleSAMLphp: apt-get install simplesamlphp");

/** Entity id of the service provider, and what is special about what it gets. PHP, in an array. */
const simpleSamlVariants = {
  "urn:test:both": "[]",
  "urn:test:assertion-only": "['saml20.sign.response' => false]",
  "urn:test:response-only": "['saml20.sign.assertion' => false]",
  "urn:test:unsigned": "['saml20.sign.response' => false, 'saml20.sign.assertion' => false]",
  "urn:test:sha1": "['signature.algorithm' => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1']",
  "urn:test:sha512": "['signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512']",
  "urn:test:email":
    "['NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress', 'simplesaml.nameidattribute' => 'email']",
  "urn:test:encrypted": "['assertion.encryption' => true, 'certData' => $sp]",
  "urn:test:encrypted-alone": "['assertion.encryption' => true, 'saml20.sign.response' => false, 'certData' => $sp]",
  "urn:test:encrypted-name": "['nameid.encryption' => true, 'certData' => $sp]",
  "urn:test:signed-requests": "['validate.authnrequest' => true, 'validate.logout' => true, 'certData' => $sp]",
} as const;

export type SimpleSamlVariant = keyof typeof simpleSamlVariants;

export interface SimpleSaml {
  readonly origin: string;
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl: string;
  readonly metadataUrl: string;
  readonly idp: KeyPair;
  /** Ours: for encryption to us, and to verify what we sign. */
  readonly sp: KeyPair;
  /** Ends the process, and keeps what it needs for `revive`. */
  kill(): Promise<void>;
  revive(): Promise<void>;
  stop(): Promise<void>;
}

export interface SimpleSamlOptions {
  readonly acsUrl: string;
  readonly sloUrl?: string;
  /** As the browser calls it; another site than 127.0.0.1 where `localhost`. */
  readonly host?: "127.0.0.1" | "localhost";
}

const people = `[
  'admin' => ['core:AdminPassword'],
  'example-userpass' => [
    'exampleauth:UserPass',
    'jane:foo' => ['uid' => ['jane'], 'name' => ['Jane Doe'], 'email' => ['janedoe@example.com'], 'groups' => ['admins', 'developers']],
    'john:bar' => ['uid' => ['john'], 'name' => ['John Doe'], 'email' => ['johndoe@example.com'], 'groups' => ['admins']],
    'asa:bäz' => ['uid' => ['asa'], 'name' => ['Åsa <Müller> & "Co" \\'x\\' ]]>'], 'email' => ['asa@example.com'], 'groups' => ['developers, ops', '<admins>']],
  ],
]`;

function writeFiles(folder: string, origin: string, options: SimpleSamlOptions, idp: KeyPair, sp: KeyPair): void {
  const file = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  file("idp.pem", idp.key);
  file("idp.crt", idp.certificate);
  // The packaged configuration, less the file of secrets that only www-data may read.
  file("base.php", readFileSync("/etc/simplesamlphp/config.php", "utf8").replace(/^.*secrets\.inc\.php.*$/gm, ""));
  file("authsources.php", `<?php $config = ${people};`);
  file(
    "config.php",
    `<?php require '${folder}/base.php';
$config = array_merge($config, [
  'baseurlpath' => '${origin}/', 'certdir' => '${folder}/', 'loggingdir' => '${folder}/', 'datadir' => '${folder}/',
  'tempdir' => '${folder}/tmp', 'metadatadir' => '${folder}/', 'secretsalt' => 'only-for-tests', 'auth.adminpassword' => 'admin',
  'technicalcontact_email' => 'na@example.org', 'timezone' => 'UTC', 'enable.saml20-idp' => true,
  'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'session.cookie.secure' => false, 'language.cookie.secure' => false, 'session.cookie.samesite' => null,
  'language.cookie.samesite' => null, 'session.phpsession.savepath' => '${folder}', 'logging.handler' => 'file',
  'statistics.out' => [], 'metadata.sources' => [['type' => 'flatfile', 'directory' => '${folder}/']], 'authproc.idp' => [], 'trusted.url.domains' => null,
]);`,
  );
  file(
    "saml20-idp-hosted.php",
    `<?php $metadata['${origin}/idp'] = [
  'host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'example-userpass',
  'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'sign.logout' => true,
  'SingleSignOnServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'],
  'saml20.sign.response' => true, 'saml20.sign.assertion' => true,
];`,
  );
  const certData = sp.certificate.replace(/-----.*?-----|\s/g, "");
  const entries = Object.entries(simpleSamlVariants).map(([id, more]) => `$metadata['${id}'] = ${more} + $common;`);
  const sloUrl = options.sloUrl ?? options.acsUrl.replace(/\/callback.*$/, "/logout/callback");
  file(
    "saml20-sp-remote.php",
    `<?php $sp = '${certData}';
$common = ['AssertionConsumerService' => '${options.acsUrl}', 'SingleLogoutService' => '${sloUrl}', 'simplesaml.nameidattribute' => 'uid',
  'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic'];
${entries.join("\n")}`,
  );
}

export async function startSimpleSaml(options: SimpleSamlOptions): Promise<SimpleSaml> {
  const { path: folder, remove } = peerFolder("simplesaml");
  const port = await freePort();
  const origin = `http://${options.host ?? "127.0.0.1"}:${port}`;
  const [idp, sp] = [makeKeyPair("SimpleSAMLphp"), makeKeyPair("Dex")];
  writeFiles(folder, origin, options, idp, sp);
  const metadataUrl = `${origin}/saml2/idp/metadata.php`;
  const launch = (): Promise<Peer> =>
    startPeer(
      {
        command: "php",
        // Notices of an old library under a new PHP would stand in the pages.
        args: [
          ...[
            "-d",
            "display_errors=stderr",
            "-d",
            "error_reporting=E_ALL&~E_DEPRECATED",
            "-d",
            `session.save_path=${folder}`,
          ],
          ...["-S", `127.0.0.1:${port}`, "-t", installed],
        ],
        env: { SIMPLESAMLPHP_CONFIG_DIR: folder },
        logFile: join(folder, "php.log"),
      },
      async () =>
        (await (await fetch(`http://127.0.0.1:${port}/saml2/idp/metadata.php`)).text()).includes("EntityDescriptor"),
    );
  let peer = await launch();
  return {
    origin,
    entityId: `${origin}/idp`,
    ssoUrl: `${origin}/saml2/idp/SSOService.php`,
    sloUrl: `${origin}/saml2/idp/SingleLogoutService.php`,
    metadataUrl,
    idp,
    sp,
    kill: () => peer.stop(),
    async revive() {
      peer = await launch();
    },
    async stop() {
      await peer.stop();
      remove();
    },
  };
}
