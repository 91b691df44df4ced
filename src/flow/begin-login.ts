import type { Departure, Login, OpenConnector, StateMaker, Wishes } from "../connector/contract.ts";
import { currentSpan } from "../kernel/span.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import type { CarriedState, FlowContext, FlowDeps, FlowOutcome, FlowRequest } from "./contract.ts";
import { flowFacts } from "./flow-facts.ts";
import { newStateHandle, sealPending } from "./sealed-request.ts";

/** Sends the person to a connector, with the request sealed into the address. */
export async function beginLogin(
  request: FlowRequest,
  { info, connector }: OpenConnector,
  backLink: string,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  currentSpan()?.add(flowFacts(request));
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
      let carry: CarriedState | undefined;
      const callback = new URL(`${deps.policy.issuer.replace(/\/$/, "")}/callback`);
      const state: StateMaker = (remember, form = "whole") => {
        const pending = { request, connectorId: info.id };
        const whole = remember === undefined ? pending : { ...pending, remember: remember.reveal() };
        const sealed = sealPending(whole, "callback", context.browsers, deps);
        if (form === "whole") return sealed;
        carry = { handle: newStateHandle(deps.random), sealed };
        return carry.handle;
      };
      const departure = await connector.begin(callback, state, loginOf(request, context, wishesOf(request)));
      return { ...departed(departure), ...(carry === undefined ? {} : { carry }) };
    }
    default:
      return connector satisfies never;
  }
}

function departed(departure: Departure): FlowOutcome {
  return departure.kind === "redirect"
    ? { go: "redirect", to: departure.to.href, status: 302 }
    : { go: "post", to: departure.to.href, fields: departure.fields, receiver: "upstream" };
}

const wishesOf = ({ loginHint, uiLocales, acrValues, maxAge, prompt }: FlowRequest): Wishes => ({
  ...(loginHint === undefined ? {} : { loginHint }),
  uiLocales,
  acrValues,
  ...(maxAge === undefined ? {} : { maxAge }),
  mustProve: prompt.includes("login"),
  mustChoose: prompt.includes("select_account"),
});

/** What a connector may know of the request. */
export function loginOf(
  request: Pick<FlowRequest, "scopes">,
  context: Pick<FlowContext, "trail" | "signal">,
  wishes?: Wishes,
): Login {
  return {
    ...(wishes === undefined ? {} : { wishes }),
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
