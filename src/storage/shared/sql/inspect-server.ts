import type { StorageDeps, StorageReport } from "../../contract.ts";
import type { KindName } from "../../records.ts";
import type { SqlKind } from "./kind.ts";
import type { SqlLayout } from "./layout.ts";
import type { SqlServer } from "./open-server.ts";
import { Pool } from "./pool.ts";
import { type Found, type Plan, planSchema } from "./schema-plan.ts";
import { SqlClient } from "./sql-client.ts";

/** Looks at a database inside a transaction that may not write. @throws {UnavailableError} @throws {SqlFault} */
export async function inspectServer(
  { driver, dialect, layout, limits }: SqlServer,
  { random }: StorageDeps,
): Promise<StorageReport> {
  const client = new SqlClient(new Pool(driver, limits), random);
  try {
    return await client.alone(async (connection) => {
      await connection.script("start transaction read only");
      const found = await dialect.inspect(connection);
      const counts: Partial<Record<KindName, number>> = {};
      for (const { kind, table } of kindsIn(found, layout)) {
        const { rows } = await connection.run({ sql: `select count(*) from ${dialect.name(table)}`, cells: [] });
        counts[kind] = Number(rows[0]?.[0] ?? 0);
      }
      await connection.script("rollback");
      const plan = planSchema(found, dialect.flavour, layout);
      return { ...reportOf(found, plan, layout, (change) => dialect.ddl(change)), counts };
    });
  } finally {
    await client.close();
  }
}

/** The kinds that have a table already. */
export const kindsIn = ({ tables }: Found, { kinds }: SqlLayout): readonly SqlKind[] =>
  (Object.values(kinds) as readonly SqlKind[]).filter(({ table }) => tables.has(table));

/** The plan in lines. */
export function reportOf(
  found: Found,
  { steps, own }: Plan,
  layout: SqlLayout,
  ddl: (change: Plan["own"][number]) => readonly string[],
): Omit<StorageReport, "counts"> {
  const newest = steps.at(-1)?.number ?? found.step;
  return {
    schema: layout.isNumbered ? `${found.step} of ${newest}` : "ent",
    pending: [
      ...steps.flatMap(({ number, changes }) => [
        `step ${number}:`,
        ...changes.flatMap(ddl).map((statement) => `  ${statement}`),
      ]),
      ...own.flatMap(ddl),
    ],
  };
}
