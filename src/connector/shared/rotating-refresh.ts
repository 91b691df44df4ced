import { createHash } from "node:crypto";
import type { Clock } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { TokenClient, Tokens } from "./token-client.ts";

/**
 * Redeems an upstream's refresh token once, however many ask. Most upstreams rotate them, and many take a second use for
 * theft and end everything: so whoever asks at the same time, or a moment later with what was stored before, gets what
 * the first one got. RFC 9700 §4.14.2.
 */
export type RefreshOnce = (refreshToken: Secret) => Promise<Tokens>;

/** How long an answer is kept for those who read the old token before the new one was stored. */
const memory = 60_000;
/** Answers are kept for so many tokens at the most; the oldest goes first. */
const maxRemembered = 10_000;

/** No caller's signal reaches the upstream: a rotated token must arrive, whoever has gone. The client has its deadline. */
export function refreshOnce(client: Pick<TokenClient, "refresh">, clock: Clock): RefreshOnce {
  const flights = new Map<string, { readonly tokens: Promise<Tokens>; readonly startedAt: number }>();

  function forgetOld(): void {
    for (const [key, { startedAt }] of flights) {
      // In the order they began.
      if (clock.now() - startedAt < memory && flights.size <= maxRemembered) return;
      flights.delete(key);
    }
  }

  return (refreshToken) => {
    forgetOld();
    const key = createHash("sha256").update(refreshToken.reveal()).digest("base64");
    const known = flights.get(key);
    if (known !== undefined) return known.tokens;
    const tokens = client.refresh(refreshToken, new AbortController().signal);
    flights.set(key, { tokens, startedAt: clock.now() });
    tokens.then(
      (answer) => {
        // Not rotated: the next refresh is to ask anew.
        if (answer.refreshToken?.reveal() === refreshToken.reveal()) flights.delete(key);
      },
      () => flights.delete(key),
    );
    return tokens;
  };
}
