import { z } from "zod";
import { approveDevice, denyDevice, findDeviceRequest, isDexRequest } from "../grant/device-request.ts";
import { redirect, text } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";
import { deviceRedirectOf, isDeviceCallback } from "../oauth/redirect-uri.ts";
import { audiencesOf } from "../oauth/scope.ts";
import { deviceConfirmPage } from "../page/device-confirm-page.ts";
import { devicePage } from "../page/device-page.ts";
import { deviceResultPage } from "../page/device-result-page.ts";
import type { AuthCode, Client, DeviceRequest } from "../storage/records.ts";
import { isClientSecret } from "../token/client-secret.ts";
import { codeRecordIds } from "../token/code.ts";
import { readUserCode } from "../token/user-code.ts";
import { ensureBrowserSecret, readBrowserSecrets } from "./browser-secret.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/**
 * The person's side of the device flow. RFC 8628 §3.3. A user code alone approves nothing: whoever follows a link with
 * one is shown which client asks for what, and must say yes in this very browser (§5.4: an attacker sends people links
 * to the attacker's own device). The yes is sealed into `state`, so no address that was made elsewhere goes on here.
 */
const isSecure = ({ flow }: Provider): boolean => flow.policy.issuer.startsWith("https:");

/** `/device`: where the code is typed in. */
export async function deviceEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "GET" && request.method !== "HEAD") throw new PageError(400, "refusal.missing");
  const query = request.query();
  const isInvalid = /^(1|t|T|true|TRUE|True)$/.test(query.get("invalid") ?? "");
  return askForCode(query.get("user_code") ?? "", isInvalid, request, provider);
}

function askForCode(typed: string, invalid: boolean, request: HttpRequest, provider: Provider): HttpAnswer {
  const { issuerPath } = provider.flow.policy;
  const userCode = readUserCode(typed);
  const qrUrl = userCode === undefined || invalid ? {} : { qrUrl: `${issuerPath}/device/qr?user_code=${userCode}` };
  const props = { postUrl: `${issuerPath}/device/auth/verify_code`, userCode: userCode ?? typed, invalid, ...qrUrl };
  return showPage(invalid ? 400 : 200, devicePage(provider.page(request), props));
}

/** `/device/qr`: the same page's address for a camera. Says nothing about whether the code exists. RFC 8628 §3.3.1. */
export async function deviceQrEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const userCode = readUserCode(request.query().get("user_code") ?? "");
  if (userCode === undefined) return text(404, "404 page not found\n");
  const qr = await import("qrcode");
  const address = `${provider.flow.policy.issuer.replace(/\/$/, "")}/device?user_code=${userCode}`;
  const body = await qr.toString(address, { type: "svg", errorCorrectionLevel: "M", margin: 2 });
  return { status: 200, headers: { "content-type": "image/svg+xml" }, body };
}

/** `/device/auth/verify_code`: first the question what is approved, then the answer. */
export async function verifyUserCodeEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") throw new PageError(400, "refusal.missing");
  const form = request.form();
  const typed = form.get("user_code") ?? "";
  if (typed === "") throw new PageError(400, "refusal.noUserCode");
  // RFC 8628 §5.1: the code is short, so few may be tried.
  const tried = provider.limits.begin("user_code", { address: request.clientIp, trail: provider.trail(request) });
  const userCode = readUserCode(typed);
  const device = userCode === undefined ? undefined : await findDeviceRequest(userCode, provider.grant);
  const client = device === undefined ? undefined : await provider.storage.clients.get(device.clientId);
  if (device === undefined || client === undefined) return askForCode(typed, true, request, provider);
  tried.takeBack();
  const token = form.get("confirm") ?? "";
  if (token === "") return confirm(device, client, request, provider);
  const browser = readBrowserSecrets(request, isSecure(provider)).find(
    (secret) => provider.flow.sealer.open(confirmPurpose, secret, token) === device.userCode,
  );
  if (browser === undefined) throw new PageError(400, "refusal.session");
  if (form.get("approval") !== "approve") return deny(device, client, request, provider);
  return goOn(device, client, browser, provider);
}

const confirmPurpose = "device/confirm";
const callbackPurpose = "device/callback";

async function confirm(
  device: DeviceRequest,
  client: Client,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const browser = ensureBrowserSecret(request, isSecure(provider), provider.random);
  const peers = await Promise.all(audiencesOf(device.scopes).map((id) => provider.storage.clients.get(id)));
  const page = deviceConfirmPage(provider.page(request), {
    postUrl: `${provider.flow.policy.issuerPath}/device/auth/verify_code`,
    userCode: device.userCode,
    confirm: provider.flow.sealer.seal(confirmPurpose, browser.values[0], device.userCode),
    clientName: nameOf(client),
    ...(client.logoUrl === "" ? {} : { clientLogoUrl: client.logoUrl }),
    scopes: device.scopes,
    peerNames: new Map(peers.flatMap((peer) => (peer === undefined ? [] : [[peer.id, nameOf(peer)] as const]))),
  });
  return withCookie(showPage(200, page), browser.cookie);
}

const nameOf = (client: Client): string => (client.name === "" ? client.id : client.name);

async function deny(
  device: DeviceRequest,
  client: Client,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  await denyDevice(device, provider.grant);
  request.logger.info("device refused", { client_id: client.id });
  return showPage(200, deviceResultPage(provider.page(request), { kind: "denied", clientName: nameOf(client) }));
}

/** From here it is a login like any other. compat(dex): through `/auth`, whose `state` there is the bare user code. */
function goOn(device: DeviceRequest, client: Client, browser: string, { flow, clock }: Provider): HttpAnswer {
  const { issuer, issuerPath, requestLifetime } = flow.policy;
  const redirectUri = deviceRedirectOf(issuer, { registered: client.redirectUris, isPublic: client.public });
  if (redirectUri === undefined) throw new PageError(400, "refusal.redirectUri");
  const agreed: Agreed = [device.userCode, device.clientId, clock.now() + requestLifetime];
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: device.scopes.join(" "),
    state: flow.sealer.seal(callbackPurpose, browser, JSON.stringify(agreed)),
  });
  return redirect(302, `${issuerPath}/auth?${query}`);
}

const agreed = z.tuple([z.string(), z.string(), z.number()]);
type Agreed = z.output<typeof agreed>;

/** `/device/callback`: the login's own answer comes back to us, with a code that the device will redeem. */
export async function deviceCallbackEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "GET") throw new PageError(400, "refusal.method");
  const query = request.query();
  const [state, presented] = [query.get("state") ?? "", query.get("code") ?? ""];
  const error = query.get("error") ?? "";
  if (state === "" || (presented === "" && error === "")) throw new PageError(400, "refusal.parametersMissing");
  const device = await openState(state, request, provider);
  if (error !== "") {
    if (error === "access_denied") await denyDevice(device, provider.grant);
    throw new PageError(400, "refusal.authorizationFailed");
  }
  const code = await findCode(presented, device, provider);
  const client = await provider.storage.clients.get(device.clientId);
  // compat(dex): there the secret that came to /device/code is compared only now.
  const isProved =
    !isDexRequest(device) || isClientSecret(provider.clientSecretKey, client, device.clientSecret.reveal());
  if (client === undefined || !isProved) throw new OAuthError("invalid_client", "Invalid client credentials.");
  if (!(await approveDevice(device, code, provider.grant))) throw new PageError(400, "refusal.deviceCode");
  request.logger.info("device approved", { client_id: client.id, user_id: code.claims.userId });
  return showPage(200, deviceResultPage(provider.page(request), { kind: "approved", clientName: nameOf(client) }));
}

/** What the person agreed to in this browser, if it still waits. */
async function openState(state: string, request: HttpRequest, provider: Provider): Promise<DeviceRequest> {
  const opened = readBrowserSecrets(request, isSecure(provider))
    .map((secret) => provider.flow.sealer.open(callbackPurpose, secret, state))
    .find((candidate) => candidate !== undefined);
  provider.trail(request).note({
    check: "device.browser_bound",
    outcome: opened === undefined ? "fail" : "pass",
    because: opened === undefined ? "nobody agreed to this in this browser" : "the person agreed in this browser",
    spec: "RFC 8628 §5.4",
  });
  const [userCode, clientId, expiresAt] = opened === undefined ? [] : agreed.parse(JSON.parse(opened));
  const isAlive = userCode !== undefined && provider.clock.now() <= (expiresAt ?? 0);
  const device = isAlive ? await findDeviceRequest(userCode, provider.grant) : undefined;
  if (device === undefined || device.clientId !== clientId) throw new PageError(400, "refusal.userCode");
  return device;
}

async function findCode(presented: string, device: DeviceRequest, provider: Provider): Promise<AuthCode> {
  for (const id of codeRecordIds(provider.grant.codeKey, presented)) {
    const code = await provider.storage.authCodes.get(id);
    if (
      code !== undefined &&
      code.clientId === device.clientId &&
      isDeviceCallback(code.redirectUri, provider.flow.policy.issuer) &&
      provider.clock.now() <= code.expiry
    ) {
      return code;
    }
  }
  throw new PageError(400, "refusal.code");
}
