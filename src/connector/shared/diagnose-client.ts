import type { Report } from "../contract.ts";
import { type TokenClient, TokenRefusal } from "./token-client.ts";

/**
 * Whether a token endpoint knows us: a code that is none is refused as `invalid_grant` by a server that has taken our
 * secret, and as something else by one that has not. `knows` tells the first from the second where a server has
 * words of its own. RFC 6749 §5.2.
 */
export async function diagnoseClient(
  client: TokenClient,
  redirectUri: string | undefined,
  report: Report,
  knows = ({ code }: TokenRefusal): boolean => code === "invalid_grant",
): Promise<void> {
  try {
    await client.exchangeCode({ code: "dex-connector-test", redirectUri }, AbortSignal.timeout(20_000));
    report.fact("warn", "client", "the token endpoint took a code that was none");
  } catch (error) {
    if (!(error instanceof TokenRefusal)) {
      return report.fact("fail", "client", error instanceof Error ? error.message : String(error));
    }
    if (knows(error)) return report.fact("pass", "client", "the token endpoint knows us and our secret");
    const isCertain =
      ["invalid_client", "unauthorized_client", "incorrect_client_credentials"].includes(error.code) ||
      error.status === 401;
    report.fact(isCertain ? "fail" : "warn", "client", `the token endpoint may not know us: ${error.message}`);
  }
}
