import type { ConnectorDeps } from "../contract.ts";
import { httpProbe } from "../shared/http-probe.ts";
import type { IdpSource } from "./idp.ts";

/**
 * Whether the identity provider is there: its metadata was read at some time, and its sign-on address answers. The
 * browser goes there, not we, and many a firewall lets nobody else through: silence means something only where there
 * has been an answer before.
 */
export function idpProbe(idp: IdpSource, { openFetch }: Pick<ConnectorDeps, "openFetch">) {
  // Nothing of the answer is used, and whom to trust is the browser's business.
  const probe = httpProbe(openFetch({ insecureSkipVerify: true, maxBody: 256 * 1024 }));
  let answered: string | undefined;
  return async (signal: AbortSignal): Promise<void> => {
    const { sso } = await idp.current(signal);
    const { href } = sso.url;
    try {
      await probe(href, signal);
      answered = href;
    } catch (error) {
      if (answered === href) throw error;
    }
  };
}
