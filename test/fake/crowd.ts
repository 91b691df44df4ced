/** Atlassian Crowd's user management REST API, with the people and groups of one application. */
import { type Call, type FakeHttp, memberOf, type Reply, startFakeHttp } from "./vendor-http.ts";

export interface CrowdPerson {
  readonly name: string;
  readonly key: string;
  readonly email?: string;
  readonly password: string;
  readonly active?: boolean;
  readonly groups?: readonly string[];
  /** The reason that the right password is answered with. */
  readonly refused?: string;
}

export interface FakeCrowd extends FakeHttp {
  readonly people: Map<string, CrowdPerson>;
  /** Sessions that nobody has ended. */
  readonly sessions: ReadonlyMap<string, string>;
  readonly clientId: string;
  readonly clientSecret: string;
}

const base = "/crowd/rest/usermanagement/1";
/** What a page has when nothing is said, and at the most. */
const pageSize = 1000;

const refuse = (status: number, reason: string, message: string): Reply => ({ status, body: { reason, message } });

export async function startFakeCrowd(people: readonly CrowdPerson[] = []): Promise<FakeCrowd> {
  const known = new Map(people.map((person) => [person.name, person]));
  const sessions = new Map<string, string>();
  const clientId = "dex";
  const clientSecret = "dex:sécret";
  let count = 0;

  /** As Crowd does: whatever the case. */
  const byName = (name: unknown): CrowdPerson | undefined =>
    [...known.values()].find((person) => person.name.toLowerCase() === String(name).toLowerCase());

  const answer = (call: Call): Reply => {
    const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    if (call.headers.authorization !== expected) return { status: 401, body: "Application failed to authenticate" };
    const username = call.query.get("username");
    const key = call.query.get("key");
    const person = key === null ? byName(username) : [...known.values()].find((candidate) => candidate.key === key);
    if (call.path === `${base}/session` && call.method === "POST") return openSession(call);
    if (call.path.startsWith(`${base}/session/`) && call.method === "DELETE") {
      sessions.delete(decodeURIComponent(call.path.slice(`${base}/session/`.length)));
      return { status: 204 };
    }
    if (person === undefined) return refuse(404, "USER_NOT_FOUND", `User <${username ?? key}> does not exist`);
    if (call.path === `${base}/user`) return { body: userOf(person) };
    if (call.path === `${base}/user/group/nested`) return { body: groupsOf(person, call.query) };
    return { status: 404, body: "<html><body>Not Found</body></html>" };
  };

  function openSession({ body, query }: Call): Reply {
    const person = byName(memberOf(body, "username"));
    if (person === undefined) {
      return refuse(400, "INVALID_USER_AUTHENTICATION", "Account with name does not exist");
    }
    const isChecked = query.get("validate-password") !== "false";
    if (isChecked && memberOf(body, "password") !== person.password) {
      const message = "Failed to authenticate principal, password was invalid";
      return refuse(400, "INVALID_USER_AUTHENTICATION", message);
    }
    if (person.refused !== undefined) {
      const status = person.refused === "APPLICATION_ACCESS_DENIED" ? 403 : 400;
      return refuse(status, person.refused, `refused: ${person.refused}`);
    }
    if (person.active === false) return refuse(400, "INACTIVE_ACCOUNT", "Account is inactive");
    const token = `token-${++count}`;
    sessions.set(token, person.name);
    return { status: 201, body: { expand: "user", token, user: { name: person.name } } };
  }

  return Object.assign(await startFakeHttp(answer), { people: known, sessions, clientId, clientSecret });
}

const userOf = ({ name, key, email, active = true }: CrowdPerson) => ({
  expand: "attributes",
  name,
  key,
  active,
  email,
  "first-name": "T",
  "last-name": "U",
  "display-name": "T U",
});

function groupsOf({ groups = [] }: CrowdPerson, query: URLSearchParams) {
  const start = Number(query.get("start-index") ?? 0);
  const size = Math.min(pageSize, Number(query.get("max-results") ?? pageSize));
  return { expand: "group", groups: groups.slice(start, start + size).map((name) => ({ name })) };
}
