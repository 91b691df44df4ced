/** Three members of one store: requests go on while one of them is away, whichever it is. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type EtcdPeer, etcdPrograms, startEtcdCluster } from "../../../test/peer/etcd.ts";
import { missing } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { openEtcd } from "./etcd.ts";
import { etcdSettings } from "./testing/etcd-settings.ts";

const lanes = 8;

describe("an etcd of three members", { skip: missing(etcdPrograms) }, () => {
  let members: readonly EtcdPeer[];
  let storage: Storage;
  before(async () => {
    members = await startEtcdCluster(3);
    const endpoints = members.map(({ endpoint }) => endpoint);
    storage = await openEtcd(etcdSettings(endpoints), quietDeps());
  });
  after(async () => {
    await storage.close();
    await Promise.all(members.map((member) => member.stop()));
  });

  for (const number of [0, 1, 2])
    test(`goes on without member ${number}, loses nothing that it acknowledged, and takes it back`, async () => {
      let isOver = false;
      const told = { done: 0, doneWithout: 0, isAway: false };
      const ids = Array.from({ length: lanes }, (_, lane) => `of-${number}-${lane}`);
      for (const id of ids) await storage.refreshTokens.create(makers.refreshTokens({ id, nonce: "0" }));
      /** Counts up; a change whose answer was lost may have been made or not. Resolves to what it must be, at least and at most. */
      const count = async (id: string): Promise<readonly [number, number]> => {
        let [least, most] = [0, 0];
        while (!isOver) {
          most++;
          try {
            const next = await storage.refreshTokens.update(id, (token) => ({
              ...token,
              nonce: `${Number(token.nonce) + 1}`,
            }));
            [least, most] = [Number(next?.nonce), Number(next?.nonce)];
            told.done++;
            if (told.isAway) told.doneWithout++;
          } catch (error) {
            assert.ok(error instanceof UnavailableError, String(error));
          }
        }
        return [least, most];
      };
      const counting = Promise.all(ids.map(count));
      await until(() => told.done > 20);
      await members[number]?.kill();
      told.isAway = true;
      await until(() => told.doneWithout > 100);
      await members[number]?.start();
      told.isAway = false;
      const before = told.done;
      await until(() => told.done > before + 20);
      isOver = true;
      for (const [lane, [least, most]] of (await counting).entries()) {
        const stored = Number((await storage.refreshTokens.get(ids[lane] ?? ""))?.nonce);
        assert.ok(least <= stored && stored <= most, `${least} <= ${stored} <= ${most}`);
      }
    });

  test("says that it is away when two are, and heals", async () => {
    const [one, other] = members;
    await Promise.all([one?.kill(), other?.kill()]);
    await assert.rejects(storage.ping(new AbortController().signal), UnavailableError);
    await Promise.all([one?.start(), other?.start()]);
    await until(() =>
      storage.ping(new AbortController().signal).then(
        () => true,
        () => false,
      ),
    );
  });
});

/** @throws {Error} Not within 20 seconds. */
async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !(await isDone()); await wait(20)) {
    if (performance.now() > end) throw new Error("nothing went on");
  }
}
