import { answerUri } from "../flow/answer-uri.ts";
import type { FlowContext } from "../flow/contract.ts";
import { endLocally, type LogoutOutcome, type UpstreamDeparture } from "../flow/logout-outcome.ts";
import type { LogoutTarget } from "../flow/logout-step.ts";
import { redirect } from "../http/answers.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { type LogoutNext, logoutPage } from "../page/logout-page.ts";
import type { AuthSession } from "../storage/records.ts";
import { type Away, logoutCookie } from "./logout-cookie.ts";
import { postForm } from "./post-form.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/** Ends the session, if there is one, and sends the browser on: to applications' frames, the upstream, the application. */
export async function finishLogout(
  request: HttpRequest,
  session: AuthSession | undefined,
  next: LogoutTarget,
  context: FlowContext,
  provider: Provider,
): Promise<HttpAnswer> {
  if (session === undefined) return arrive(request, next, undefined, provider);
  const { outcome, frames, upstream } = await endLocally(session, context, provider.flow);
  if (frames.length > 0) return showFrames(request, { frames, outcome, next, upstream }, provider);
  return upstream === undefined
    ? arrive(request, next, outcome, provider)
    : leave(request, upstream, { next, outcome }, provider);
}

function leave(
  request: HttpRequest,
  { departure, handle }: UpstreamDeparture,
  away: Away,
  provider: Provider,
): HttpAnswer {
  const answer =
    departure.kind === "redirect"
      ? redirect(303, departure.to.href)
      : postForm({ to: departure.to.href, fields: departure.fields, receiver: "upstream" }, request, provider);
  return withCookie(answer, logoutCookie(handle, away, provider));
}

/** The end: back to the application, or the page that says what was reached. compat(dex): 302. */
export function arrive(
  request: HttpRequest,
  next: LogoutTarget,
  outcome: LogoutOutcome | undefined,
  provider: Provider,
): HttpAnswer {
  const to = addressOf(next);
  if (to !== undefined) return redirect(request.method === "POST" ? 303 : 302, to);
  const kind = outcome === undefined ? "none" : "done";
  return showPage(200, logoutPage(provider.page(request), { kind, ...(outcome === undefined ? {} : { outcome }) }));
}

/** OIDC RP-Initiated Logout §3: `state` comes back if it was sent. */
function addressOf({ postLogoutRedirectUri: uri, state }: LogoutTarget): string | undefined {
  if (uri === "") return undefined;
  return state === "" ? uri : answerUri({ redirectUri: uri, responseMode: "query", state }, {});
}

interface Frames {
  readonly frames: readonly string[];
  readonly outcome: LogoutOutcome;
  readonly next: LogoutTarget;
  readonly upstream: UpstreamDeparture | undefined;
}

/** OIDC Front-Channel Logout §2: our page with the applications' in frames, and then on. */
function showFrames(request: HttpRequest, { frames, outcome, next, upstream }: Frames, provider: Provider): HttpAnswer {
  const onward = upstream === undefined ? nextPage(next) : nextUpstream(upstream);
  const page = showPage(
    200,
    logoutPage(provider.page(request), {
      kind: "done",
      outcome,
      frames,
      ...(onward === undefined ? {} : { next: onward }),
    }),
  );
  const origins = [...new Set(frames.map((frame) => new URL(frame).origin))].join(" ");
  const answer = {
    ...page,
    headers: { ...page.headers, "content-security-policy": `${policyWithFrames} frame-src ${origins}` },
  };
  return upstream === undefined
    ? answer
    : withCookie(answer, logoutCookie(upstream.handle, { next, outcome }, provider));
}

const policyWithFrames =
  "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; " +
  "frame-ancestors 'none'; base-uri 'none';";

function nextPage(next: LogoutTarget): LogoutNext | undefined {
  const url = addressOf(next);
  return url === undefined ? undefined : { kind: "link", url };
}

const nextUpstream = ({ departure }: UpstreamDeparture): LogoutNext =>
  departure.kind === "redirect"
    ? { kind: "link", url: departure.to.href }
    : {
        kind: "form",
        postTo: departure.to.href,
        fields: Object.entries(departure.fields).map(([name, value]) => ({ name, value })),
      };
