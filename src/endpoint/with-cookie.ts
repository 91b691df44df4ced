import type { HttpAnswer } from "../http/contract.ts";

/** `answer` with the cookie that it has to set, if any, beside those it sets already. */
export function withCookie(answer: HttpAnswer, cookie: string | undefined): HttpAnswer {
  if (cookie === undefined) return answer;
  const before = answer.headers["set-cookie"] ?? [];
  const cookies = [...(typeof before === "string" ? [before] : before), cookie];
  return { ...answer, headers: { ...answer.headers, "set-cookie": cookies } };
}
