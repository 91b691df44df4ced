import { readdirSync, readFileSync } from "node:fs";

/** What a process and all its descendants use. Linux only: it reads /proc, which names every thread's time. */
export interface ProcessUsage {
  /** utime + stime of every thread, milliseconds, in steps of 10. */
  cpuMs(): number;
  /** Resident memory now, MiB. */
  rssMiB(): number;
  /** The most resident memory so far (the sum of each process's own peak), MiB. */
  peakRssMiB(): number;
}

/** USER_HZ is 100 on every Linux platform that Node supports. proc_pid_stat(5). */
const msPerTick = 10;

/** Watches `rootPid`; a server that starts worker processes is counted whole. */
export function usageOf(rootPid: number): ProcessUsage {
  const sum = (read: (pid: number) => number): number => familyOf(rootPid).reduce((total, pid) => total + read(pid), 0);
  return {
    cpuMs: () => sum(cpuMsOf),
    rssMiB: () => sum((pid) => statusMiB(pid, "VmRSS")),
    peakRssMiB: () => sum((pid) => statusMiB(pid, "VmHWM")),
  };
}

/**
 * Processor milliseconds that all processes of the machine have used, stolen time included: what is neither
 * the server's nor ours disturbed the measurement. Interrupts are left out, they belong to nobody. proc_stat(5).
 */
export function machineCpuMs(): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (
    readFileSync("/proc/stat", "latin1").split("\n")[0] ?? ""
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + steal) * msPerTick;
}

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses. */
function statOf(pid: number): readonly string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "latin1");
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It ended between the listing and the reading.
    return [];
  }
}

function familyOf(rootPid: number): readonly number[] {
  const children = Map.groupBy(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number),
    (pid) => Number(statOf(pid)[1]),
  );
  const family = [rootPid];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}

function cpuMsOf(pid: number): number {
  const stat = statOf(pid);
  return (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * msPerTick;
}

function statusMiB(pid: number, field: "VmRSS" | "VmHWM"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
