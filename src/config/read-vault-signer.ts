import { type Millis, millis } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { parseGoBool } from "./feature-flags.ts";
import type { Findings } from "./mistake.ts";
import { expandedBlock, invalidValue, type Reading, readDuration } from "./reading.ts";
import { signerSchemas } from "./schema.ts";

/** As the file says it, with what the environment adds. Empty texts are absent. */
export interface VaultSignerConfig {
  readonly type: "vault";
  readonly addr: string;
  readonly token: Secret;
  readonly tokenFile: string;
  readonly keyName: string;
  readonly mount: string;
  readonly namespace: string;
  readonly kubernetes: { readonly role: string; readonly mount: string; readonly tokenFile: string };
  readonly appRole: {
    readonly roleID: string;
    readonly secretID: Secret;
    readonly secretIDFile: string;
    readonly mount: string;
  };
  readonly caCert: string;
  /** Of the environment alone: the authorities as a text, and as a folder of files. */
  readonly caBytes: string;
  readonly caPath: string;
  readonly clientCert: string;
  readonly clientKey: string;
  readonly tlsServerName: string;
  readonly insecureSkipVerify: boolean;
  readonly timeout: Millis;
}

const at = "signer.config";
const fiveSeconds = millis(5_000);
const failed = "failed to open vault signer: ";
const noClient = `${failed}failed to create vault client: `;

/** Undefined: refused. */
export function readVaultSigner(reading: Reading): VaultSignerConfig | undefined {
  const { findings, aligner, env } = reading;
  const block = expandedBlock(reading, at);
  if (block === undefined) return undefined;
  const { timeout, ...file } = signerSchemas.vault.parse(aligner.object(block, signerSchemas.vault, at));
  // compat(dex): the client library's variables; its own name hides HashiCorp's, even when it is empty.
  const variable = (name: string): string => env[`BAO_${name}`] ?? env[`VAULT_${name}`] ?? "";
  const token = file.token.reveal() === "" ? new Secret(variable("TOKEN")) : file.token;
  const hasLogin = file.tokenFile !== "" || file.kubernetes.role !== "" || file.appRole.roleID !== "";
  const isUnverified = parseGoBool(variable("SKIP_VERIFY")) ?? false;
  const patience = timeout ?? variable("CLIENT_TIMEOUT");
  const config: VaultSignerConfig = {
    type: "vault",
    ...file,
    // compat(dex): an agent's address wins over the file's; BAO_ADDR counts for nothing.
    addr: variable("AGENT_ADDR") || file.addr || (env.VAULT_ADDR ?? ""),
    // A token of the environment is for want of another login.
    token: hasLogin ? file.token : token,
    namespace: file.namespace || variable("NAMESPACE"),
    caCert: file.caCert || variable("CACERT"),
    caBytes: variable("CACERT_BYTES"),
    caPath: variable("CAPATH"),
    clientCert: file.clientCert || variable("CLIENT_CERT"),
    clientKey: file.clientKey || variable("CLIENT_KEY"),
    tlsServerName: file.tlsServerName || variable("TLS_SERVER_NAME"),
    insecureSkipVerify: file.insecureSkipVerify || isUnverified,
    // The variable may be bare seconds.
    timeout:
      readDuration(
        findings,
        `${at}.timeout`,
        /^\d+$/.test(patience) ? `${patience}s` : patience,
        `${failed}${invalidValue(patience, "timeout")}`,
      ) ?? fiveSeconds,
  };
  checkAddress(config, findings);
  checkKey(config, findings);
  checkLogin(config, findings);
  checkTls(config, findings);
  return config;
}

function checkAddress({ addr }: VaultSignerConfig, findings: Findings): void {
  const url = URL.parse(addr);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) {
    const isNear = /^(localhost|127\.|\[::1\])/.test(url.hostname);
    if (url.protocol === "http:" && !isNear) {
      findings.warn(`${at}.addr`, "the token for vault travels in clear text", { hint: "https://" });
    }
    return;
  }
  const why = addr === "" ? "no address" : "the address is no URL of http or https";
  findings.refuse("setup", `${at}.addr`, noClient + why, { hint: "https://vault.example.com:8200, or VAULT_ADDR" });
}

function checkKey({ keyName, mount }: VaultSignerConfig, findings: Findings): void {
  if (!/^\w(?:[\w.-]*\w)?$/.test(keyName)) {
    const why = keyName === "" ? "keyName must be specified" : "Transit's key names hold letters, digits, _, . and -";
    findings.refuse("setup", `${at}.keyName`, failed + why, { hint: "keyName: dex" });
  }
  if (!isMount(mount))
    findings.refuse("setup", `${at}.mount`, `${failed}that is no path of a mount`, { hint: "transit" });
}

/** A path goes into an address: what could lead elsewhere is none. */
const isMount = (path: string): boolean => /^[\w.-]+(?:\/[\w.-]+)*$/.test(path) && !/(^|\/)\.{1,2}(\/|$)/.test(path);

function checkLogin(config: VaultSignerConfig, findings: Findings): void {
  const { token, tokenFile, kubernetes, appRole } = config;
  const ways = [token.reveal(), tokenFile, kubernetes.role, appRole.roleID].filter((each) => each !== "");
  if (ways.length !== 1) {
    const why = ways.length === 0 ? "no token and no login" : "more than one way to log in";
    const hint = "one of token (or VAULT_TOKEN), tokenFile, kubernetes.role, appRole.roleID";
    findings.refuse("setup", `${at}.token`, failed + why, { hint });
  }
  for (const [path, mount] of [
    ["kubernetes", kubernetes.mount],
    ["appRole", appRole.mount],
  ] as const) {
    if (!isMount(mount)) findings.refuse("setup", `${at}.${path}.mount`, `${failed}that is no path of a mount`);
  }
  const secrets = [appRole.secretID.reveal(), appRole.secretIDFile].filter((each) => each !== "");
  if (appRole.roleID !== "" && secrets.length !== 1) {
    findings.refuse("setup", `${at}.appRole.secretID`, `${failed}an AppRole needs its secret ID`, {
      hint: "secretID, or secretIDFile",
    });
  }
}

function checkTls({ clientCert, clientKey, insecureSkipVerify }: VaultSignerConfig, findings: Findings): void {
  if ((clientCert === "") !== (clientKey === "")) {
    findings.refuse("setup", `${at}.clientCert`, `${noClient}both client cert and client key must be provided`);
  }
  if (insecureSkipVerify) {
    findings.warn(`${at}.insecureSkipVerify`, "whoever is on the way to vault can read its token and sign tokens");
  }
}
