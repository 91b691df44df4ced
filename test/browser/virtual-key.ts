/** A virtual key of the browser's own. https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/ */
import type { Page } from "playwright-core";

export async function plugIn(page: Page, transport: "usb" | "internal" = "usb") {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  type Credentials = Awaited<ReturnType<typeof session.send<"WebAuthn.getCredentials">>>["credentials"];
  return {
    /** Whether its person passes its own check. */
    verify: (isUserVerified: boolean) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    /** Whether they touch it by themselves: without, a question waits. */
    touch: (enabled: boolean) => session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
    credentials: async (): Promise<Credentials> =>
      (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    async replaceBy(credentials: Credentials): Promise<void> {
      await session.send("WebAuthn.clearCredentials", { authenticatorId });
      for (const credential of credentials) {
        await session.send("WebAuthn.addCredential", { authenticatorId, credential });
      }
    },
  };
}
