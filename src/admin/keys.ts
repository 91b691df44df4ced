import { unsetTime } from "../storage/records.ts";
import type { AdminMethods, Key } from "./admin-messages.ts";
import type { Methods } from "./contract.ts";
import { doing, Refusal } from "./refusal.ts";
import { seconds } from "./seconds.ts";

/** What signs tokens. Private halves never leave. */
export const keyMethods: Pick<Methods<AdminMethods>, "ListKeys" | "RotateKeys"> = {
  async ListKeys(_request, { signer, storage }) {
    const shown = await doing("list keys", signer.publicKeys());
    const stored = await doing("list keys", storage.keys.get("keys"));
    const { kid: signing } = await doing("list keys", signer.current());
    const next = stored?.extra?.next?.key.reveal().kid;
    const expiries = new Map(stored?.verificationKeys.map(({ publicKey, expiry }) => [publicKey.kid, expiry]));
    const keys = shown.map(({ kid, alg }): Key => {
      const state = kid === signing ? "signing" : kid === next ? "published" : "verifying";
      return { kid, alg, state, expires_at: seconds(expiries.get(kid) ?? unsetTime) };
    });
    return { keys, next_rotation: seconds(stored?.nextRotation ?? unsetTime) };
  },

  async RotateKeys(_request, { signer }) {
    if (signer.rotate === undefined) throw new Refusal("the keys of this signer are rotated where they are kept");
    return { signs_from: seconds(await doing("rotate keys", signer.rotate())) };
  },
};
