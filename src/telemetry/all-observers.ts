import { noObserver, type Observer } from "../kernel/ports.ts";

/** One observer that tells several. */
export function allObservers(observers: readonly Observer[]): Observer {
  const [only] = observers;
  if (only === undefined) return noObserver;
  if (observers.length === 1) return only;
  return {
    decided: (...told) => observers.forEach((each) => void each.decided(...told)),
    stored: (...told) => observers.forEach((each) => void each.stored(...told)),
    called: (...told) => observers.forEach((each) => void each.called(...told)),
    reached: (...told) => observers.forEach((each) => void each.reached(...told)),
    collected: (...told) => observers.forEach((each) => void each.collected(...told)),
    reloaded: (...told) => observers.forEach((each) => void each.reloaded(...told)),
    rpcServed: (...told) => observers.forEach((each) => void each.rpcServed(...told)),
    rpcStarted: (...told) => observers.forEach((each) => void each.rpcStarted(...told)),
    rpcHandled: (...told) => observers.forEach((each) => void each.rpcHandled(...told)),
  };
}
