/** What the application must know: who it is and whom it trusts. Flags win over the environment; defaults fit dev.yaml. */
import { parseArgs } from "node:util";

export interface Settings {
  /** The identity provider, exactly as its discovery document spells it. OIDC Discovery §3. */
  readonly issuer: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  /** Our own address as the browser sees it. Port 0 lets the system choose one. */
  readonly listen: URL;
}

export function readSettings(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      issuer: { type: "string", default: env.EXAMPLE_ISSUER ?? "http://127.0.0.1:5556/dex" },
      "client-id": { type: "string", default: env.EXAMPLE_CLIENT_ID ?? "example-app" },
      "client-secret": { type: "string", default: env.EXAMPLE_CLIENT_SECRET ?? "example-app-secret" },
      listen: { type: "string", default: env.EXAMPLE_LISTEN ?? "http://127.0.0.1:5555" },
    },
  });
  return {
    issuer: values.issuer,
    clientId: values["client-id"],
    clientSecret: values["client-secret"],
    listen: new URL(values.listen),
  };
}
