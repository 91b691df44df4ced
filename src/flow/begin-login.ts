import type { Login, OpenConnector } from "../connector/contract.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import type { FlowContext, FlowDeps, FlowOutcome, FlowRequest } from "./contract.ts";
import { sealPending } from "./sealed-request.ts";

/** Sends the person to a connector, with the request sealed into the address. */
export async function beginLogin(
  request: FlowRequest,
  { info, connector }: OpenConnector,
  backLink: string,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  context.trail.note({
    check: "connector.pick",
    outcome: "chose",
    because: `connector ${info.id} of type ${info.type}`,
  });
  switch (connector.kind) {
    case "password": {
      const state = sealPending({ request, connectorId: info.id }, "login", context.browsers, deps);
      const query = new URLSearchParams({ back: backLink, state });
      const path = `${deps.policy.issuerPath}/auth/${encodeURIComponent(info.id)}/login`;
      return { go: "redirect", to: `${path}?${query}`, status: 302 };
    }
    case "redirect": {
      const to = await connector.begin(
        new URL(`${deps.policy.issuer.replace(/\/$/, "")}/callback`),
        (remember) =>
          sealPending(
            { request, connectorId: info.id, ...(remember === undefined ? {} : { remember: remember.reveal() }) },
            "callback",
            context.browsers,
            deps,
          ),
        loginOf(request, context),
      );
      return { go: "redirect", to: to.href, status: 302 };
    }
    default:
      return connector satisfies never;
  }
}

/** What a connector may know of the request. */
export function loginOf(request: Pick<FlowRequest, "scopes">, context: Pick<FlowContext, "trail" | "signal">): Login {
  return {
    scopes: {
      offlineAccess: request.scopes.includes(scopeNames.offlineAccess),
      groups: request.scopes.includes(scopeNames.groups),
    },
    trail: context.trail,
    get signal() {
      return context.signal;
    },
  };
}
