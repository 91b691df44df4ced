import type { HttpAnswer } from "../http/contract.ts";

/** `answer` with the cookies that it has to set, if any, beside those it sets already. */
export function withCookie(answer: HttpAnswer, cookie: string | readonly string[] | undefined): HttpAnswer {
  if (cookie === undefined || cookie.length === 0) return answer;
  const before = answer.headers["set-cookie"] ?? [];
  const cookies = [before, cookie].flat();
  return { ...answer, headers: { ...answer.headers, "set-cookie": cookies } };
}
