/**
 * The `response_mode` that an unread request object names, or "". We refuse request objects (OIDC Core §6.1), and the
 * refusal has to reach a client that put the mode into nothing else. Nothing is verified and nothing else is looked at:
 * where the refusal goes is decided by the registered redirect URI alone.
 */
export function responseModeIn(requestObject: string): string {
  if (requestObject.length > longest) return "";
  const payload = requestObject.split(".")[1] ?? "";
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const isObject = typeof claims === "object" && claims !== null && Object.hasOwn(claims, "response_mode");
    return isObject && "response_mode" in claims && typeof claims.response_mode === "string"
      ? claims.response_mode
      : "";
  } catch {
    // Not an object that could be read: it is refused all the same.
    return "";
  }
}

const longest = 16_384;
