import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { after, test } from "node:test";
import { createBcryptPool } from "./bcrypt-pool.ts";
import { UnavailableError } from "./errors.ts";
import { Secret } from "./secret.ts";

const never = new AbortController().signal;
const known = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";
const pool = createBcryptPool({ threads: 2, maxQueue: 20 });
after(() => pool.close());

test("compares Dex's hash, whatever minor version it is", async () => {
  for (const version of ["2a", "2b", "2y", "2x", "2z", "2"]) {
    assert.equal(await pool.compare(new Secret("password"), known.replace("2a", version), never), true, version);
    assert.equal(await pool.compare(new Secret("Password"), known.replace("2a", version), never), false, version);
  }
});

test("what it hashes, it knows again; only the first 72 bytes count", async () => {
  const long = "x".repeat(72);
  const hash = await pool.hash(new Secret(`${long}tail`), 4);
  assert.match(hash, /^\$2b\$04\$/);
  assert.equal(await pool.compare(new Secret(`${long}other`), hash, never), true);
});

test("a NUL never cuts a password short", async () => {
  assert.equal(await pool.compare(new Secret("password\0x"), known, never), false);
  await assert.rejects(pool.hash(new Secret("a\0b"), 4), RangeError);
});

test("the hash that stands for nobody matches nothing and costs a comparison", async () => {
  assert.equal(await pool.compare(new Secret(""), `$2a$10$${".".repeat(53)}`, never), false);
});

test("garbage matches nothing and ends no thread", async () => {
  assert.equal(await pool.compare(new Secret("x"), "garbage", never), false);
  assert.equal(await pool.compare(new Secret("password"), known, never), true);
});

test("beyond its queue it says so at once, and the rest is answered", async () => {
  const small = createBcryptPool({ threads: 1, maxQueue: 3 });
  const all = await Promise.allSettled(
    Array.from({ length: 8 }, () => small.compare(new Secret("password"), known, never)),
  );
  const refused = all.filter((each) => each.status === "rejected");
  assert.equal(refused.length, 4);
  for (const each of refused) assert.ok(each.reason instanceof UnavailableError);
  assert.ok(all.every((each) => each.status === "rejected" || each.value));
  await small.close();
});

test("a login that was given up is not computed, and closing answers who waits", async () => {
  const small = createBcryptPool({ threads: 1, maxQueue: 9 });
  const gone = new AbortController();
  const running = small.compare(new Secret("password"), known, never);
  const given = small.compare(new Secret("password"), known, gone.signal);
  gone.abort(new Error("gone"));
  // It is told at once, before the one ahead of it is done.
  await assert.rejects(given, /gone/);
  assert.equal(await running, true);
  const late = small.compare(new Secret("password"), known, never);
  const later = small.compare(new Secret("password"), known, never);
  await Promise.all([assert.rejects(late), assert.rejects(later), small.close()]);
});

test("who goes away leaves the queue, so that the gone do not turn away the living", async () => {
  const small = createBcryptPool({ threads: 1, maxQueue: 2 });
  const gone = new AbortController();
  const compare = (signal: AbortSignal): Promise<boolean> => small.compare(new Secret("password"), known, signal);
  const running = compare(never);
  const waiting = [compare(gone.signal), compare(gone.signal)].map((each) => assert.rejects(each, /gone/));
  await assert.rejects(compare(never), UnavailableError);
  gone.abort(new Error("gone"));
  const living = [compare(never), compare(never)];
  await Promise.all(waiting);
  assert.deepEqual(await Promise.all([running, ...living]), [true, true, true]);
  await assert.rejects(compare(gone.signal), /gone/);
  await small.close();
});

test("a thread that dies fails its own job, and the next job has a new thread", async () => {
  const entry = new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", (job) => {
      if (job.password === "die") process.exit(1);
      if (job.password === "throw") throw new Error("broken");
      parentPort.postMessage({ id: job.id, ok: true, value: true });
    });
  `)}`,
  );
  const mortal = createBcryptPool({ threads: 1, maxQueue: 9, entry });
  const say = (word: string): Promise<boolean> => mortal.compare(new Secret(word), known, never);
  const answers = await Promise.allSettled([say("live"), say("die"), say("live"), say("throw"), say("live")]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
  );
  for (const each of answers) if (each.status === "rejected") assert.ok(each.reason instanceof UnavailableError);
  await mortal.close();
});

test("an entry that cannot be loaded fails the job and not the process", async () => {
  const broken = createBcryptPool({ threads: 1, maxQueue: 9, entry: new URL("./no-such-worker.ts", import.meta.url) });
  await assert.rejects(broken.compare(new Secret("x"), known, never), UnavailableError);
  await broken.close();
});

test("after closing it turns everybody away", async () => {
  const closed = createBcryptPool({ threads: 1, maxQueue: 9 });
  await closed.close();
  await assert.rejects(closed.compare(new Secret("x"), known, never), UnavailableError);
});

const isLinux = process.platform === "linux";

test("on Linux the bcrypt threads and no others have the lowest priority", {
  skip: !isLinux && "niceness per thread is Linux",
}, async () => {
  await Promise.all([1, 2, 3, 4].map(() => pool.compare(new Secret("password"), known, never)));
  const tasks = readdirSync("/proc/self/task").map((task) => ({
    name: readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim(),
    niceness: getPriority(Number(task)),
  }));
  const own = getPriority(process.pid);
  const lowered = tasks.filter(({ niceness }) => niceness > own);
  assert.equal(lowered.length, 2);
  for (const { name, niceness } of lowered) assert.deepEqual([name, niceness], ["WorkerThread", 19]);
});
