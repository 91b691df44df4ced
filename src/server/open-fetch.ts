import type { ConnectorDeps } from "../connector/contract.ts";

/** compat: filled in by the kernel's upstream client. */
export const openFetch: ConnectorDeps["openFetch"] = () => fetch;
