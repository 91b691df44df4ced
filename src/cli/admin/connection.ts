import { readFile } from "node:fs/promises";
import type { AdminTarget } from "../../server/admin-client.ts";
import { CommandError } from "../terminal.ts";
import type { AdminFlag, Given } from "./contract.ts";

/** How the server is reached: flags that every command has, each with its variable. */
export const connectionFlags: Readonly<Record<string, AdminFlag>> = {
  addr: { kind: "text", summary: "Address of the gRPC API (DEX_ADMIN_ADDR; default 127.0.0.1:5557)" },
  ca: { kind: "text", summary: "PEM bundle that the server's certificate is checked with (DEX_ADMIN_CA)" },
  cert: { kind: "text", summary: "Client certificate, PEM (DEX_ADMIN_CERT)" },
  key: { kind: "text", summary: "Its private key, PEM (DEX_ADMIN_KEY)" },
  "server-name": { kind: "text", summary: "Name on the server's certificate, if not the address's" },
  tls: { kind: "switch", summary: "TLS with the authorities that this machine trusts" },
  plaintext: { kind: "switch", summary: "No TLS, even beyond this machine" },
  timeout: { kind: "text", summary: "Seconds that a call may take (default 15)" },
  json: { kind: "switch", summary: "Print the answer as JSON" },
};

const variables: Readonly<Record<string, string>> = {
  addr: "DEX_ADMIN_ADDR",
  ca: "DEX_ADMIN_CA",
  cert: "DEX_ADMIN_CERT",
  key: "DEX_ADMIN_KEY",
};

/** @throws {CommandError} A file cannot be read, or what is asked for is not safe. */
export async function targetOf({ text, has, terminal }: Given): Promise<AdminTarget> {
  const setting = (name: string): string => text(name) || (terminal.env[variables[name] ?? ""] ?? "");
  const address = setting("addr") || "127.0.0.1:5557";
  const seconds = Number(text("timeout") || "15");
  if (!(seconds > 0)) throw new CommandError("--timeout is a number of seconds");
  const timeout = seconds * 1000;
  const [ca, cert, key] = [setting("ca"), setting("cert"), setting("key")];
  if ((cert === "") !== (key === "")) throw new CommandError("--cert and --key go together");
  if (has("plaintext")) return { address, timeout };
  const isTls = has("tls") || [ca, cert, text("server-name")].some((each) => each !== "");
  if (!isTls) {
    if (isLoopback(address)) return { address, timeout };
    throw new CommandError(`${address} is another machine: give --ca, --tls or --plaintext`);
  }
  return {
    address,
    timeout,
    tls: {
      ...(ca === "" ? {} : { ca: await pem(ca) }),
      ...(cert === "" ? {} : { cert: await pem(cert), key: await pem(key) }),
      ...(text("server-name") === "" ? {} : { serverName: text("server-name") }),
    },
  };
}

const isLoopback = (address: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(address) || address.startsWith("unix:");

async function pem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
