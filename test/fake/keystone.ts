/** OpenStack Keystone's Identity API v3, as far as a login goes: tokens, people, groups, projects, domains. */
import { randomBytes } from "node:crypto";
import { type Call, type FakeHttp, memberOf, type Reply, startFakeHttp } from "./vendor-http.ts";

export interface KeystonePerson {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly email?: string;
  readonly enabled?: boolean;
  readonly isPasswordExpired?: boolean;
  readonly groups?: readonly { readonly id: string; readonly name: string; readonly domain_id: string }[];
  readonly projects?: readonly { readonly id: string; readonly name: string; readonly enabled?: boolean }[];
}

export interface FakeKeystone extends FakeHttp {
  readonly people: Map<string, KeystonePerson>;
  /** Tokens that are good, and whose they are. */
  readonly tokens: Map<string, string>;
  /** What an administrator's `id` is; everybody else reads only themselves. */
  readonly adminId: string;
  /** People may not read even themselves. */
  isStrict: boolean;
  /** Lists are cut off. */
  isTruncated: boolean;
}

const fault = (code: number, message: string, title: string): Reply => ({
  status: code,
  body: { error: { code, message, title } },
});
const unauthenticated = fault(401, "The request you have made requires authentication.", "Unauthorized");
const domains: Readonly<Record<string, string>> = { default: "Default", d2: "other" };

export async function startFakeKeystone(people: readonly KeystonePerson[] = []): Promise<FakeKeystone> {
  const adminId = "admin-id";
  const admin: KeystonePerson = { id: adminId, name: "svc", password: "svc-pw" };
  const known = new Map([admin, ...people].map((person) => [person.id, person]));
  const tokens = new Map<string, string>();

  const answer = (call: Call): Reply => {
    const [, version, kind = "", id = "", list = ""] = call.path.split("/").map(decodeURIComponent);
    if (version !== "v3") return { status: 404, body: "<html>" };
    if (kind === "auth" && call.method === "POST") return authenticate(call);
    const owner = tokens.get(String(call.headers["x-auth-token"] ?? ""));
    if (owner === undefined) return unauthenticated;
    if (kind === "auth" && call.method === "DELETE") {
      tokens.delete(String(call.headers["x-subject-token"]));
      return { status: 204 };
    }
    if (kind === "domains")
      return owner === adminId ? { body: { domain: { id, name: domains[id] ?? id } } } : forbidden;
    if (kind !== "users") return fault(404, "The resource could not be found.", "Not Found");
    if (owner !== adminId && (owner !== id || fake.isStrict)) return forbidden;
    const person = known.get(id);
    if (person === undefined) return fault(404, `Could not find user: ${id}.`, "Not Found");
    const { groups = [], projects = [] } = person;
    const truncated = fake.isTruncated ? { truncated: true } : {};
    if (list === "groups") return { body: { groups, links: {}, ...truncated } };
    if (list === "projects") return { body: { projects, links: {}, ...truncated } };
    const { name, email, enabled = true } = person;
    return { body: { user: { id, name, email, enabled, domain_id: "default", links: {} } } };
  };
  const forbidden = fault(
    403,
    "You are not authorized to perform the requested action: identity:get_user.",
    "Forbidden",
  );

  function authenticate({ body }: Call): Reply {
    const credential = memberOf(body, "auth", "identity", "application_credential", "id");
    if (credential === "cred" && memberOf(body, "auth", "identity", "application_credential", "secret") === "s") {
      return issue(admin);
    }
    const name = memberOf(body, "auth", "identity", "password", "user", "name");
    const password = memberOf(body, "auth", "identity", "password", "user", "password");
    const person = [...known.values()].find(
      (candidate) => candidate.name.toLowerCase() === String(name).toLowerCase() && candidate.password === password,
    );
    if (person === undefined || person.enabled === false) return unauthenticated;
    if (person.isPasswordExpired === true) {
      const message = `The password is expired and needs to be changed for user: ${person.id}.`;
      return fault(401, message, "Unauthorized");
    }
    return issue(person);
  }

  function issue({ id, name }: KeystonePerson): Reply {
    const token = randomBytes(12).toString("base64url");
    tokens.set(token, id);
    const expires = new Date(Date.now() + 3_600_000).toISOString().replace("Z", "000Z");
    const user = { domain: { id: "default", name: "Default" }, id, name, password_expires_at: null };
    const body = { token: { methods: ["password"], user, audit_ids: ["x"], expires_at: expires, issued_at: expires } };
    return { status: 201, headers: { "x-subject-token": token }, body };
  }

  const fake = Object.assign(await startFakeHttp(answer), {
    people: known,
    tokens,
    adminId,
    isStrict: false,
    isTruncated: false,
  });
  return fake;
}
