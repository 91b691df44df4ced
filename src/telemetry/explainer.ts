import { type Clock, type Decision, millis, noObserver, type Observer } from "../kernel/ports.ts";
import { renderTrail } from "../kernel/trail.ts";

/** A request that decides nothing for so long is told of: requests do not say when they end. */
const quiet = millis(250);
/** Requests that are told of at once at the most. */
const mostOpen = 1_000;

/** Hands each request's decisions to `print` as a tree, once no more of them come. */
export function openExplainer(print: (text: string) => void, clock: Clock): Observer {
  /** By trace id. */
  const open = new Map<string, Decision[]>();
  const never = new AbortController().signal;

  async function printWhenQuiet(traceId: string, decisions: readonly Decision[]): Promise<void> {
    for (let seen = -1; seen !== decisions.length; ) {
      seen = decisions.length;
      await clock.sleep(quiet, never);
    }
    open.delete(traceId);
    print(`${headline(traceId, decisions)}\n${renderTrail(decisions)}\n`);
  }

  return {
    ...noObserver,
    decided(decision, { traceId }) {
      const known = open.get(traceId);
      if (known !== undefined) known.push(decision);
      else if (open.size < mostOpen) {
        const decisions = [decision];
        open.set(traceId, decisions);
        void printWhenQuiet(traceId, decisions);
      }
    },
  };
}

/** `trace 7f3a…  client example-app  connector github`. */
function headline(traceId: string, decisions: readonly Decision[]): string {
  const first = (name: string): string | undefined => {
    const value = decisions.find(({ about }) => about?.[name] !== undefined)?.about?.[name];
    return value === undefined ? undefined : JSON.stringify(value).slice(1, -1);
  };
  const facts = { client: first("client_id"), connector: first("connector_id"), user: first("user_id") };
  const told = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return [`trace ${traceId}`, ...told].join("  ");
}
