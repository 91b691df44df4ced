/**
 * Processes that are killed at random moments under load, and now and then the database with them. What a client was
 * told counts: its newest refresh token works, and no token works for two successors.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { missing } from "../peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { beginFamily, type Cluster, refreshAt, startCluster, type TokenAnswer } from "./cluster.ts";

/** More by hand: `KILL_ROUNDS=200`. */
const rounds = Number(process.env.KILL_ROUNDS ?? 20);
const lanes = 6;

describe("killed under load", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  let cluster: Cluster;
  before(async () => {
    peer = await startPostgres();
    cluster = await startCluster(3, {
      storage: { type: "postgres", config: peer.config(await peer.createDatabase()) },
      // No second answer: a token that works twice would show.
      expiry: { refreshTokens: { reuseInterval: "0s" } },
    });
  });
  after(async () => {
    await cluster.stop();
    await peer.stop();
  });

  const portOf = (number: number): number => cluster.replicas[number % cluster.replicas.length]?.port ?? 0;

  /** Undefined: nobody answered, or nobody could say whether the token was spent. */
  const ask = async (port: number, token: string): Promise<TokenAnswer | undefined> => {
    const answer = await refreshAt(port, token).catch(() => undefined);
    return answer?.status === 503 ? undefined : answer;
  };

  /** Until a replica answers at all. */
  async function newFamily(first: number): Promise<string> {
    for (let turn = first; ; turn++) {
      try {
        return await beginFamily(cluster, portOf(turn));
      } catch {
        await wait(50);
      }
    }
  }

  /** One after the other, while those before start again; once the database too. */
  async function killInTurn(isOver: () => boolean): Promise<void> {
    const starting = cluster.replicas.map(() => Promise.resolve());
    for (let round = 0; round < rounds && !isOver(); round++) {
      const victim = round % cluster.replicas.length;
      await starting[victim];
      await wait(Math.random() * 300);
      await cluster.replicas[victim]?.kill();
      if (round === Math.floor(rounds / 2)) {
        await peer.kill();
        await peer.start();
      }
      starting[victim] = cluster.replicas[victim]?.start() ?? Promise.resolve();
    }
    await Promise.all(starting);
  }

  test(`${rounds} times, and no acknowledged refresh token is lost or works twice`, async () => {
    let isOver = false;
    const told = { refreshes: 0, unknown: 0 };
    /**
     * One client. It holds the newest token that it was told. Only a request that nobody answered may have spent it; then
     * it may be refused, once, and the person signs in again.
     */
    const live = async (number: number): Promise<readonly string[]> => {
      let history = [await newFamily(number)];
      for (let turn = number, isUnknown = false; !isOver || isUnknown; turn++) {
        const answer = await ask(portOf(turn), history.at(-1) ?? "");
        if (answer === undefined) {
          if (!isUnknown) told.unknown++;
          isUnknown = true;
          await wait(20);
        } else if (answer.status === 200) {
          assert.ok(!history.includes(answer.refreshToken), "a token was handed out twice");
          history.push(answer.refreshToken);
          told.refreshes++;
          isUnknown = false;
        } else {
          assert.deepEqual([answer.status, isUnknown], [400, true], "an acknowledged token was refused");
          history = [await newFamily(turn)];
          isUnknown = false;
        }
      }
      return history;
    };
    const living = Promise.all(Array.from({ length: lanes }, (_, number) => live(number))).finally(() => {
      isOver = true;
    });
    // It is awaited below; until then a failure only ends the rounds.
    living.catch(() => {});
    try {
      await killInTurn(() => isOver);
    } finally {
      isOver = true;
    }
    const histories = await living;
    assert.ok(told.refreshes > rounds, `only ${told.refreshes} refreshes`);
    assert.ok(told.unknown > 0, "nothing was under way when a process was killed");
    for (const history of histories) {
      const spent = history.at(-2);
      assert.equal((await ask(portOf(0), history.at(-1) ?? ""))?.status, 200);
      // Last, because it ends its family.
      if (spent !== undefined) assert.equal((await ask(portOf(0), spent))?.status, 400);
    }
  });
});
