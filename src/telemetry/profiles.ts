import { Session } from "node:inspector/promises";
import { setTimeout as wait } from "node:timers/promises";

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export const plain = (status: number, body: string): Answer => ({
  status,
  type: "text/plain; charset=utf-8",
  body,
});

/** Go's own profiles that have no counterpart in V8. */
const goOnly = new Set(["goroutine", "threadcreate", "block", "mutex", "trace", "symbol"]);

const index = `Profiles of a Node process, in V8's formats. Open them with the developer tools of Chromium.

profile?seconds=30  where time goes (.cpuprofile)
heap?seconds=5      what allocates memory (.heapprofile); allocs is the same
cmdline             the program

${[...goOnly].join(", ")}: Go's alone, answered with 501.
`;

let isProfiling = false;

/**
 * `/debug/pprof/…`: where Dex serves Go's profiles we serve V8's. They hold names of functions, never values: a heap
 * snapshot would hold every secret, on an address that asks nobody who they are. Undefined: no such path.
 */
export async function profileAnswer(url: URL): Promise<Answer | undefined> {
  const [, name] = /^\/debug\/pprof\/([a-z]*)$/.exec(url.pathname) ?? [];
  if (name === undefined) return undefined;
  if (name === "") return plain(200, index);
  if (name === "cmdline") return plain(200, "dex");
  if (goOnly.has(name)) return plain(501, `${name} is a profile of Go programs; see /debug/pprof/\n`);
  if (name === "profile") return profiled(url, 30, "Profiler");
  return name === "heap" || name === "allocs" ? profiled(url, 5, "HeapProfiler") : undefined;
}

async function profiled(url: URL, usual: number, domain: "Profiler" | "HeapProfiler"): Promise<Answer> {
  const asked = Number(url.searchParams.get("seconds") ?? usual);
  const seconds = Number.isFinite(asked) ? Math.min(60, Math.max(1, asked)) : usual;
  if (isProfiling) return plain(503, "another profile is being taken\n");
  isProfiling = true;
  const session = new Session();
  session.connect();
  try {
    const profile = domain === "Profiler" ? await timeProfile(session, seconds) : await heapProfile(session, seconds);
    return { status: 200, type: "application/json", body: JSON.stringify(profile) };
  } finally {
    session.disconnect();
    isProfiling = false;
  }
}

async function timeProfile(session: Session, seconds: number): Promise<object> {
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await wait(seconds * 1000, undefined, { ref: false });
  const { profile } = await session.post("Profiler.stop");
  return profile;
}

async function heapProfile(session: Session, seconds: number): Promise<object> {
  await session.post("HeapProfiler.enable");
  await session.post("HeapProfiler.startSampling");
  await wait(seconds * 1000, undefined, { ref: false });
  const { profile } = await session.post("HeapProfiler.stopSampling");
  return profile;
}
