import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";

/**
 * Whether anybody answers at `url`. What it answers is not asked: an address for tokens says no to this question in many
 * ways, and lives. Only a gateway that finds nobody behind it is no answer, and where `isPage` any fault of the server's.
 * @throws {UnavailableError} Nobody does.
 */
export async function probeHttp(
  fetch: typeof globalThis.fetch,
  url: string,
  signal: AbortSignal,
  isPage = false,
): Promise<void> {
  try {
    const { status } = await fetch(url, { redirect: "manual", signal });
    // RFC 9110 §15.6.3 to §15.6.5.
    if ([502, 503, 504].includes(status) || (isPage && status >= 500)) {
      throw new UnavailableError("upstream", `${new URL(url).origin} answered ${status}`);
    }
  } catch (error) {
    // Too long, and an answer all the same.
    if (!(error instanceof BadAnswerError)) throw error;
  }
}
