import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";

/** Whether anybody answers at `url`. `isPage`: it is there to be read, so any 5xx is no answer. @throws {UnavailableError} Nobody does. */
export type HttpProbe = (url: string, signal: AbortSignal, isPage?: boolean) => Promise<void>;

/**
 * What an address answers is not asked: one for tokens says no to this question in many ways, and lives. Silence is a
 * gateway that finds nobody behind it, and a fault (5xx) of an address that has answered without one before: some have
 * no other word for a `GET`.
 */
export function httpProbe(fetch: typeof globalThis.fetch): HttpProbe {
  const sound = new Set<string>();
  return async (url, signal, isPage = false) => {
    try {
      const { status } = await fetch(url, { redirect: "manual", signal });
      if (status < 500) sound.add(url);
      // RFC 9110 §15.6.3 to §15.6.5.
      else if ([502, 503, 504].includes(status) || isPage || sound.has(url)) {
        throw new UnavailableError("upstream", `${new URL(url).origin} answered ${status}`);
      }
    } catch (error) {
      // Too long, and an answer all the same.
      if (!(error instanceof BadAnswerError)) throw error;
    }
  };
}
