/** What an upstream answered, for a person who looks for a claim: JSON with every credential masked, ID tokens opened. */
const secretName = /token|secret|code|assertion|password|key$/i;
const longest = 20_000;

/** Hands each JSON answer to `say` before the connector reads it. */
export function readable(say: (text: string) => void): (response: Response) => Promise<Response> {
  return async (response) => {
    const text = await response.clone().text();
    const value = jsonIn(text);
    if (value !== undefined) say(JSON.stringify(masked(value)).slice(0, longest));
    return response;
  };
}

function jsonIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (name === "id_token" && typeof inner === "string") return [name, claimsOf(inner)];
      const isSecret = secretName.test(name) && typeof inner === "string" && !URL.canParse(inner);
      return [name, isSecret ? "***" : masked(inner)];
    }),
  );
}

/** The claims, without the signature that would make them worth something. */
function claimsOf(jwt: string): unknown {
  return jsonIn(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()) ?? "***";
}
