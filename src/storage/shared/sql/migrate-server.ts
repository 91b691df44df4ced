import type { Logger } from "../../../kernel/ports.ts";
import type { Dialect } from "./dialect.ts";
import { type SqlConnection, SqlFault } from "./driver.ts";
import type { SqlLayout } from "./layout.ts";
import { type Found, planSchema } from "./schema-plan.ts";
import type { SqlClient } from "./sql-client.ts";

/** A Dex that starts at the same moment migrates without any lock; what it made is there when we look again. */
const tries = 5;

/**
 * Brings a database of any Dex version to the newest schema. Of several of our replicas that start together one
 * migrates and the others find it done. A database of a newer Dex is left as it is.
 * @throws {SqlFault} A step was refused. @throws {UnavailableError}
 */
export async function migrateServer(
  client: SqlClient,
  dialect: Dialect,
  layout: SqlLayout,
  now: number,
  logger: Logger,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Most starts find nothing to do, and then lock nothing.
      const isDone = await client.alone(async (connection) =>
        isComplete(await dialect.inspect(connection), dialect, layout),
      );
      if (!isDone) await client.alone((connection) => migrateAlone(connection, dialect, layout, now, logger));
      const { step } = await client.alone((connection) => dialect.inspect(connection));
      const known = stepCount(dialect, layout);
      if (step > known) logger.warn("the database comes from a newer Dex", { schema_version: step, known });
      return;
    } catch (error) {
      if (!(error instanceof SqlFault) || error.kind === "lost" || attempt === tries) throw error;
      await client.pause(500);
    }
  }
}

const stepCount = (dialect: Dialect, layout: SqlLayout): number =>
  planSchema({ tables: new Map(), indexes: new Set(), step: 0 }, dialect.flavour, layout).steps.length;

function isComplete(found: Found, dialect: Dialect, layout: SqlLayout): boolean {
  const { steps, own } = planSchema(found, dialect.flavour, layout);
  return steps.length === 0 && own.length === 0;
}

async function migrateAlone(
  connection: SqlConnection,
  dialect: Dialect,
  layout: SqlLayout,
  now: number,
  logger: Logger,
): Promise<void> {
  await dialect.exclusively(connection, async () => {
    const found = await dialect.inspect(connection);
    const { steps, own } = planSchema(found, dialect.flavour, layout);
    const say = async (change: Parameters<Dialect["ddl"]>[0]): Promise<void> => {
      for (const statement of dialect.ddl(change)) await connection.script(statement);
    };
    if (layout.isNumbered && !found.tables.has("migrations"))
      await connection.script(`create table migrations (num integer not null, at ${dialect.timeType} not null)`);
    const record = `insert into migrations (num, at) values (${dialect.parameter(1)}, ${dialect.parameter(2)})`;
    for (const { number, changes } of steps) {
      for (const change of changes) await say(change);
      await connection.run({ sql: record, cells: [number, dialect.encode(now, "time")] });
    }
    for (const change of own) await say(change);
    if (steps.length > 0) logger.info("applied database migrations", { from: found.step, to: steps.at(-1)?.number });
  });
}
