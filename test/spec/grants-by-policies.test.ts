/**
 * Every way to get a code or a token, against every policy that a configuration can come to violate between the
 * login and the issuance: the server restarts on the same storage with another file, and issues nothing. A grant
 * that discovery lists and this table lacks fails the first test.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import {
  app,
  askToken,
  assertRefused,
  authPath,
  codeOf,
  type Params,
  redeem,
  refresh,
  refreshTokenOf,
  unescapeHtml,
} from "./relying-party.ts";
import {
  type ConfigFile,
  mockConnector,
  passwordConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-policies-"));
after(() => rmSync(folder, { recursive: true }));

const client = {
  id: "app",
  name: "The App",
  secret: "app-secret",
  redirectURIs: [app.redirectUri, "/dex/device/callback"],
};
const peer = { id: "peer", name: "The Peer", secret: "x", redirectURIs: [], trustedPeers: ["app"] };
/** A connector that no way goes through: what is left when the others may not be used. */
const bystander = { ...mockConnector, id: "bystander", name: "Bystander" };
const connectors = [mockConnector, passwordConnector, bystander];
const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const grantTypes = [
  ...["authorization_code", "implicit", "refresh_token", "password", "client_credentials"],
  tokenExchange,
  deviceCode,
];
const oauth2 = { responseTypes: ["code", "id_token", "token"], passwordConnector: "pw", grantTypes };
const unchanged: ConfigFile = {
  storage: { type: "sqlite3", config: { file: join(folder, "dex.db") } },
  oauth2,
  staticClients: [client, peer],
  connectors,
};
const audience = "audience:server:client_id:peer";
const code: Params = { response_type: "code", scope: `openid offline_access ${audience}` };
const implicit: Params = { response_type: "id_token token", nonce: "n", scope: `openid ${audience}` };

const openForm = async (agent: UserAgent, more: Params): Promise<Answer> =>
  agent.follow(await agent.get(authPath({ connector_id: "pw", ...more })));

/** Signs in at `form`, up to the consent page. */
const submit = async (agent: UserAgent, form: Answer): Promise<Answer> =>
  agent.follow(await agent.post(form.url.href, { login: "kilgore", password: "trout" }));

/** Agrees, where `page` is the question. */
async function agree(agent: UserAgent, page: Answer): Promise<Answer> {
  const [, req] = /name="req" value="([^"]*)"/.exec(page.body) ?? [];
  return req === undefined ? page : agent.post(page.url.href, { req: unescapeHtml(req), approval: "approve" });
}

const obtainCode = async (agent: UserAgent): Promise<string> =>
  codeOf(await agree(agent, await submit(agent, await openForm(agent, code))));

/** A device whose person has agreed, signed in and agreed once more: its device code. */
async function approveDevice(agent: UserAgent): Promise<string> {
  const form = { client_id: "app", client_secret: "app-secret", scope: `openid offline_access ${audience}` };
  const { device_code, user_code } = z
    .looseObject({ device_code: z.string(), user_code: z.string() })
    .parse(JSON.parse((await agent.post("/device/code", form)).body));
  const question = await agent.post("/device/auth/verify_code", { user_code });
  const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(question.body)?.[1] ?? assert.fail(question.body));
  const agreed = await agent.post("/device/auth/verify_code", { user_code, confirm, approval: "approve" });
  const login = await agent.follow(await agent.get(`${agreed.location?.href}&connector_id=pw`));
  const last = await agent.follow(await agree(agent, await submit(agent, login)));
  assert.match(last.body, /Your device is connected/);
  return device_code;
}

/** One way: what is in hand before the policy changes, and the last request, made after. */
interface Way {
  readonly grant: string;
  readonly what: string;
  readonly surface: "token" | "browser";
  readonly prepare: (agent: UserAgent) => Promise<(agent: UserAgent) => Promise<Answer>>;
  /** The client asks for itself: no rule about a person or a connector binds it. */
  readonly isForClient?: true;
}

/** A grant that needs nothing beforehand. */
const atOnce = (form: Params) => async () => (later: UserAgent) => askToken(later, form);

const ways: readonly Way[] = [
  {
    grant: "authorization_code",
    what: "redeeming a code",
    surface: "token",
    async prepare(agent) {
      const held = await obtainCode(agent);
      return (later) => redeem(later, held);
    },
  },
  {
    grant: "refresh_token",
    what: "refreshing",
    surface: "token",
    async prepare(agent) {
      const held = refreshTokenOf(await redeem(agent, await obtainCode(agent)));
      return (later) => refresh(later, held);
    },
  },
  {
    grant: deviceCode,
    what: "an approved device",
    surface: "token",
    async prepare(agent) {
      const held = await approveDevice(agent);
      return (later) => askToken(later, { grant_type: deviceCode, device_code: held });
    },
  },
  {
    grant: "password",
    what: "a password",
    surface: "token",
    prepare: atOnce({ grant_type: "password", username: "kilgore", password: "trout", scope: `openid ${audience}` }),
  },
  {
    grant: "client_credentials",
    what: "the client itself",
    surface: "token",
    isForClient: true,
    prepare: atOnce({ grant_type: "client_credentials", scope: `openid ${audience}` }),
  },
  {
    grant: tokenExchange,
    what: "exchanging an upstream's token",
    surface: "token",
    prepare: atOnce({
      grant_type: tokenExchange,
      connector_id: "mock",
      subject_token: "x",
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      scope: audience,
    }),
  },
  ...[code, implicit].flatMap((asked): readonly Way[] => {
    const grant = asked === code ? "authorization_code" : "implicit";
    return [
      {
        grant,
        what: `signing in for ${asked.response_type}`,
        surface: "browser",
        async prepare(agent) {
          const form = await openForm(agent, asked);
          return async (later) => agree(later, await submit(later, form));
        },
      },
      {
        grant,
        what: `agreeing to ${asked.response_type}`,
        surface: "browser",
        async prepare(agent) {
          const page = await submit(agent, await openForm(agent, asked));
          return (later) => agree(later, page);
        },
      },
    ];
  }),
];

interface Policy {
  readonly policy: string;
  readonly file: ConfigFile;
  /** What the token endpoint says. */
  readonly refusal: readonly [error: string, description: string, status?: number];
  /** What it says to a request that names the connector itself. */
  readonly named?: readonly [error: string, description: string];
  readonly isAboutConnector?: true;
}

const notTrusted = ["invalid_scope", `Client can't request scope(s) ["${audience}"]`] as const;
const policies: readonly Policy[] = [
  {
    policy: "the client may no longer use the connector",
    file: { ...unchanged, staticClients: [{ ...client, allowedConnectors: ["bystander"] }, peer] },
    isAboutConnector: true,
    refusal: ["invalid_grant", "Connector not allowed for this client."],
  },
  {
    policy: "the connector is gone",
    file: { ...unchanged, oauth2: { ...oauth2, passwordConnector: "" }, connectors: [bystander] },
    isAboutConnector: true,
    refusal: ["invalid_grant", "Requested connector does not exist."],
    named: ["invalid_request", "Requested connector does not exist."],
  },
  {
    policy: "the connector permits other grants only",
    file: {
      ...unchanged,
      // Each permits what it cannot do, and nothing of what goes through it here.
      connectors: [
        bystander,
        { ...mockConnector, grantTypes: ["password"] },
        { ...passwordConnector, grantTypes: [tokenExchange] },
      ],
    },
    isAboutConnector: true,
    refusal: ["invalid_request", "Requested connector does not support this grant type."],
  },
  {
    policy: "the audience no longer trusts the client",
    file: { ...unchanged, staticClients: [client, { ...peer, trustedPeers: [] }] },
    refusal: notTrusted,
  },
  { policy: "the audience is gone", file: { ...unchanged, staticClients: [client] }, refusal: notTrusted },
  {
    policy: "the client is gone",
    file: { ...unchanged, staticClients: [peer] },
    refusal: ["invalid_client", "Invalid client credentials.", 401],
  },
];

const first = await startServerUnderTest(unchanged);
const agent = first.newAgent();
const listed = z
  .looseObject({ grant_types_supported: z.array(z.string()) })
  .parse(JSON.parse((await agent.get("/.well-known/openid-configuration")).body)).grant_types_supported;
/** For every policy, and for none, every way as far as it goes. */
const prepared: (readonly ((agent: UserAgent) => Promise<Answer>)[])[] = [];
for (const _ of [...policies, "none"]) {
  const row: (typeof prepared)[number][number][] = [];
  for (const way of ways) row.push(await way.prepare(agent));
  prepared.push(row);
}
await first.close();

/** Whether `answer` hands out anything. */
function isIssued({ body, location, headers }: Answer): boolean {
  const told = new URLSearchParams(`${location?.search.slice(1)}&${location?.hash.slice(1)}`);
  const inAddress = ["code", "access_token", "id_token"].some((name) => told.has(name));
  return inAddress || (headers["content-type"] === "application/json" && body.includes('_token":'));
}

it("every grant that is served has a row here", () => {
  assert.deepEqual([...new Set(ways.map(({ grant }) => grant))].sort(), listed);
});

/** A server of this file takes over for the rest of the suite. */
function takeOver(file: ConfigFile): void {
  let server: ServerUnderTest;
  before(async () => {
    server = await startServerUnderTest(file, first);
    agent.moveTo(server);
  });
  after(() => server.close());
}

describe("without a change all of these issue", () => {
  takeOver(unchanged);
  for (const [index, { what }] of ways.entries()) {
    it(what, async () => {
      const answer = await prepared[policies.length]?.[index]?.(agent);
      assert.ok(answer !== undefined && isIssued(answer), `${answer?.status} ${answer?.location ?? answer?.body}`);
    });
  }
});

for (const [row, { policy, file, refusal, named, isAboutConnector }] of policies.entries()) {
  describe(`once ${policy}`, () => {
    takeOver(file);
    for (const [index, way] of ways.entries()) {
      const attempt = (): Promise<Answer> => (prepared[row]?.[index] ?? assert.fail())(agent);
      if (isAboutConnector === true && way.isForClient === true) {
        it(`${way.what} goes on: no connector is involved`, async () => assert.equal(isIssued(await attempt()), true));
        continue;
      }
      it(`${way.what} issues nothing`, async () => {
        const answer = await attempt();
        assert.equal(isIssued(answer), false, `${answer.status} ${answer.location ?? answer.body}`);
        if (way.surface === "browser") assertRefusedInBrowser(answer);
        else if (way.grant === "password" && policy === "the connector is gone") {
          assertRefused(answer, "unsupported_grant_type", "");
        } else assertRefused(answer, ...(way.grant === tokenExchange ? (named ?? refusal) : refusal));
      });
    }
  });
}

it("a code that a policy refused is not spent for nothing", async () => {
  const original = await startServerUnderTest(unchanged, first);
  agent.moveTo(original);
  const held = await obtainCode(agent);
  await original.close();
  const server = await startServerUnderTest(policies[0]?.file, first);
  agent.moveTo(server);
  assertRefused(
    await askToken(agent, { grant_type: "authorization_code", code: held, redirect_uri: app.redirectUri }),
    "invalid_grant",
  );
  await server.close();
  const again = await startServerUnderTest(unchanged, first);
  agent.moveTo(again);
  refreshTokenOf(await redeem(agent, held));
  await again.close();
});

/** The client is told, or the person is; and nobody sees a fault that looks like one of ours. */
function assertRefusedInBrowser({ status, location, headers, body }: Answer): void {
  if (location === undefined) {
    assert.ok(status >= 400, body);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    return;
  }
  assert.equal(status, 303);
  assert.ok(location.href.startsWith(app.redirectUri), location.href);
  assert.match(location.href, /[?#&]error=(access_denied|invalid_request|invalid_scope)(&|$)/);
}
