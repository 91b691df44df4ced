import type { KindName } from "../../records.ts";
import type { SqlKind } from "./kind.ts";
import { sqlKinds } from "./kinds.ts";
import type { Change } from "./migrations.ts";

/** One of the two sets of tables that Dex knows. */
export interface SqlLayout {
  readonly kinds: { readonly [K in KindName]: SqlKind<K> };
  /** Whether the schema grew in numbered steps, which `migrations` counts. */
  readonly isNumbered: boolean;
  /** The tables as they are now, where there are no steps. */
  readonly tables: readonly Change[];
}

/** Dex's usual tables. */
export const flatLayout: SqlLayout = { kinds: sqlKinds, isNumbered: true, tables: [] };
