/**
 * Single sign-on on the way to the password form: `Authorization: Negotiate`. Who has no ticket sees the form in the
 * body of the very 401 that asks for one, or a refusal where the connector wants tickets only. RFC 4559 §4.
 */
import type { OpenConnector, PasswordConnector } from "../connector/contract.ts";
import { loginOf } from "../flow/begin-login.ts";
import type { FlowContext, FlowRequest } from "../flow/contract.ts";
import { finishLogin } from "../flow/finish-login.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { Secret } from "../kernel/secret.ts";
import { inSpan } from "../kernel/span.ts";
import { errorPage } from "../page/error-page.ts";
import { answerFlow } from "./flow-answer.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** SPNEGO's own "no": the browser need not try again. RFC 4178 §4.2.2, `negState: reject`. */
const reject = "Negotiate oQcwBaADCgEC";

/** The login that the form is for. */
interface NegotiableLogin {
  readonly flowRequest: FlowRequest;
  readonly open: OpenConnector;
  readonly connector: PasswordConnector;
}

export async function negotiateLogin(
  request: HttpRequest,
  { flowRequest, open, connector }: NegotiableLogin,
  context: FlowContext,
  provider: Provider,
  showForm: () => HttpAnswer,
): Promise<HttpAnswer> {
  if (connector.negotiate === undefined) return showForm();
  const login = loginOf(flowRequest, context);
  const none = new Secret(new Uint8Array());
  // A ticket is no answer to "ask again" or "as whom?" while there is a form that is. OIDC Core §3.1.2.1.
  const mustAsk = flowRequest.prompt.some((value) => value === "login" || value === "select_account");
  if (mustAsk && (await connector.negotiate(none, login)).ok === "fallback") return showForm();
  const token = negotiateToken(request.headers.authorization);
  const result = await connector.negotiate(token ?? none, login);
  if (result.ok === true) {
    const { identity } = result;
    return answerFlow(request, provider, () =>
      inSpan("flow.finish_login", () => finishLogin(flowRequest, open, identity, context, provider.flow)),
    );
  }
  const isAsked = token === undefined;
  if (result.ok === "fallback") return isAsked ? challenged(showForm(), "Negotiate") : showForm();
  if (!isAsked) {
    request.logger.info("login failed", { connector_id: open.info.id, reason: result.reason });
    context.trail.note({
      check: "connector.login",
      outcome: "fail",
      because: result.reason,
      about: { connector_id: open.info.id, client_id: flowRequest.clientId },
    });
  }
  const sentence = isAsked ? "refusal.kerberosOnly" : "refusal.notSignedIn";
  const page = showPage(401, errorPage(provider.page(request), { status: 401, sentence }));
  return challenged(page, isAsked ? "Negotiate" : reject);
}

const challenged = (page: HttpAnswer, challenge: string): HttpAnswer => ({
  ...page,
  status: 401,
  headers: { ...page.headers, "www-authenticate": challenge },
});

/** What the header carries; undefined for another scheme, or none. What is no base64 is no ticket either. */
function negotiateToken(header: string | undefined): Secret<Uint8Array> | undefined {
  const encoded = /^negotiate +(\S+) *$/i.exec(header ?? "")?.[1];
  return encoded === undefined ? undefined : new Secret(Buffer.from(encoded, "base64"));
}
