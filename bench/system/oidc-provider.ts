import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { client, fieldsOf } from "../oidc/relying-party.ts";
import type { Login, LoginKind, System } from "./contract.ts";
import { freePort, launch } from "./launch.ts";

const script = fileURLToPath(new URL("../peer-oidc-provider.ts", import.meta.url));
const packageFile = new URL("../../node_modules/oidc-provider/package.json", import.meta.url);

/** The reference OpenID provider of the Node world, in one process with a bounded store in memory. */
export function oidcProvider(): System {
  return {
    name: "oidc-provider",
    family: "oidc-provider",
    store: "memory",
    version: String(fieldsOf(JSON.parse(readFileSync(packageFile, "utf8"))).version),
    login,
    isLoginAddress: (url) => url.includes("/interaction/"),
    start: async ({ directory }) => {
      const port = await freePort();
      return launch({
        command: process.execPath,
        arguments: [script, String(port), JSON.stringify(client)],
        environment: { NODE_ENV: "production" },
        directory,
        issuer: `http://127.0.0.1:${port}`,
      });
    },
  };
}

/** It has no password database of its own, hence no password login to measure. */
function login(kind: LoginKind, person: number): Login | undefined {
  const person_ = { login_hint: `person-${person}` };
  if (kind === "password") return undefined;
  if (kind === "instant") return { parameters: { ...person_, scope: "openid profile email" } };
  // It ignores offline_access unless the person is asked. OIDC Core §11.
  return { parameters: { ...person_, scope: "openid email profile groups offline_access", prompt: "consent" } };
}
