/** People sign in at a real API server as kubectl's login plugins do it, and may do what their groups may. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import * as client from "openid-client";
import { fetchAt, startForClients, visit } from "../clients/reach.ts";
import { makeTestTls, type TestTls } from "../fake/certificates.ts";
import { type KubePeer, startKubeApiserver, withoutKubeApiserver } from "../peer/kube-apiserver.ts";
import { freePort } from "../peer/peer.ts";
import type { ServerUnderTest } from "../spec/server-under-test.ts";

const clientId = "kubectl";
const scope = "openid email profile groups offline_access";
const kilgore = { email: "kilgore@kilgore.trout", group: "authors" };

const starting = (tls: TestTls, port: number, algorithm: string): Promise<ServerUnderTest> =>
  startForClients({
    issuer: `https://127.0.0.1:${port}/dex`,
    web: {
      http: "127.0.0.1:0",
      https: `127.0.0.1:${port}`,
      tlsCert: tls.serverCertFile,
      tlsKey: tls.serverKeyFile,
    },
    signer: { type: "local", config: { keysRotationPeriod: "6h", algorithm } },
    oauth2: { skipApprovalScreen: true },
    staticClients: [
      { id: clientId, name: "kubectl", public: true, redirectURIs: ["http://localhost:8000/", "/device/callback"] },
      { id: "another", name: "Another", public: true },
    ],
  });

// Kubernetes takes RS256 alone unless it is told more.
for (const algorithm of ["RS256", "ES256"] as const) {
  describe(`an API server that trusts ${algorithm}`, { skip: withoutKubeApiserver }, () => {
    let tls: TestTls;
    let server: ServerUnderTest;
    let kube: KubePeer;

    before(async () => {
      tls = makeTestTls();
      const port = await freePort();
      server = await starting(tls, port, algorithm);
      kube = await startKubeApiserver([
        ...[`--oidc-issuer-url=${server.issuer}`, `--oidc-client-id=${clientId}`, `--oidc-ca-file=${tls.caFile}`],
        ...["--oidc-username-claim=email", "--oidc-username-prefix=oidc:"],
        ...["--oidc-groups-claim=groups", "--oidc-groups-prefix=oidc:"],
        ...(algorithm === "RS256" ? [] : [`--oidc-signing-algs=${algorithm}`]),
      ]);
      await grantToGroup(kube);
    });
    after(async () => {
      await kube.stop();
      await server.close();
      tls.remove();
    });

    const discover = (id = clientId): Promise<client.Configuration> =>
      client.discovery(new URL(server.issuer), id, undefined, client.None(), {
        [client.customFetch]: fetchAt(server),
        execute: [client.enableNonRepudiationChecks],
      });

    it("knows the person by email and groups after a login by code, PKCE and a port of the person's machine", async () => {
      const { id_token = "" } = await loginByBrowser(server, await discover());
      await assertIsKilgore(kube, id_token);
    });

    it("goes on with a refreshed ID token", async () => {
      const config = await discover();
      const { refresh_token = "" } = await loginByBrowser(server, config);
      const { id_token = "" } = await client.refreshTokenGrant(config, refresh_token);
      await assertIsKilgore(kube, id_token);
    });

    it("knows the person after a login by device code", async () => {
      const config = await discover();
      const started = await client.initiateDeviceAuthorization(config, { scope });
      await approveDevice(server, started.verification_uri_complete ?? "");
      const { id_token = "" } = await client.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 });
      await assertIsKilgore(kube, id_token);
    });

    it("refuses a token for another client, a changed one, and none at all", async () => {
      const theirs = await loginByBrowser(server, await discover("another"));
      const ours = await loginByBrowser(server, await discover());
      const [header, payload = "", signature] = (ours.id_token ?? "").split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
      const more = Buffer.from(JSON.stringify({ ...claims, groups: ["system:masters"] })).toString("base64url");
      for (const token of [theirs.id_token ?? "", `${header}.${more}.${signature}`, "x"]) {
        assert.equal((await kube.callAs(token, "GET", configMaps)).status, 401, token);
      }
    });
  });
}

const configMaps = "/api/v1/namespaces/default/configmaps";
const rbac = "/apis/rbac.authorization.k8s.io/v1";

/** Who is in the group may read config maps, and nothing else. */
async function grantToGroup(kube: KubePeer): Promise<void> {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const role = { apiVersion, kind: "ClusterRole", metadata: { name: "readers" } };
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }];
  assert.equal((await kube.call("POST", `${rbac}/clusterroles`, { ...role, rules })).status, 201);
  const binding = {
    ...{ apiVersion, kind: "ClusterRoleBinding", metadata: { name: "readers" } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "readers" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: `oidc:${kilgore.group}` }],
  };
  assert.equal((await kube.call("POST", `${rbac}/clusterrolebindings`, binding)).status, 201);
}

async function assertIsKilgore(kube: KubePeer, token: string): Promise<void> {
  // It looks for its issuer's keys in the background, up to ten seconds after its own start.
  let answer = await kube.callAs(token, "GET", configMaps);
  for (let tries = 0; answer.status === 401 && tries < 60; tries++) {
    await wait(500);
    answer = await kube.callAs(token, "GET", configMaps);
  }
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { status, body } = await kube.callAs(token, "GET", "/api/v1/namespaces/default/secrets");
  assert.equal(status, 403);
  assert.match(String(body.message), new RegExp(`User "oidc:${kilgore.email}" cannot list resource "secrets"`));
}

/** kubelogin: listens on a port of its own, opens the browser, takes the code there. */
async function loginByBrowser(server: ServerUnderTest, config: client.Configuration) {
  const listener = createServer((request, response) => {
    response.end("You may close this window.");
    listener.emit("code", request.url);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  // The library adds the slash to a bare host by itself.
  const redirectUri = `http://localhost:${port}/`;
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    ...{ redirect_uri: redirectUri, scope, state, nonce, code_challenge_method: "S256" },
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
  });
  const told = once(listener, "code");
  const { search } = await visit(server, url);
  await fetch(`http://127.0.0.1:${port}/${search}`);
  const [path] = await told;
  listener.close();
  return client.authorizationCodeGrant(config, new URL(path, redirectUri), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
}

/** The person opens the address, sees who asks, agrees and signs in. */
async function approveDevice(server: ServerUnderTest, address: string): Promise<void> {
  const person = server.newAgent();
  const userCode = new URL(address).searchParams.get("user_code") ?? "";
  const enter = (more: Readonly<Record<string, string>>) =>
    person.ask("/device/auth/verify_code", { method: "POST", form: Object.entries({ user_code: userCode, ...more }) });
  const page = await enter({});
  const confirm = /name="confirm" value="([^"]*)"/.exec(page.body)?.[1] ?? assert.fail(page.body);
  const last = await person.follow(await enter({ confirm, approval: "approve" }));
  assert.match(last.body, /Your device is connected/);
}
