/** The little of oidc-provider that the benchmark peer uses; the package brings no types. */
declare module "oidc-provider" {
  import type { IncomingMessage, Server, ServerResponse } from "node:http";

  export class Grant {
    constructor(values: { readonly accountId: string; readonly clientId: string });
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface Interaction {
    readonly params: Readonly<Record<string, string | undefined>>;
    readonly prompt: { readonly name: string };
    readonly grantId?: string;
  }

  export interface Context {
    readonly path: string;
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    respond: boolean;
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId?: string; grantIdFor(clientId: string): string | undefined };
      readonly params: Readonly<Record<string, string | undefined>>;
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: object);
    readonly Grant: typeof Grant & { find(id: string): Promise<Grant | undefined> };
    on(event: "server_error", listener: (context: Context, error: Error) => void): void;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
      options?: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>;
    listen(port: number, host: string): Server;
  }
}
