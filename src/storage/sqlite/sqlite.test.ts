import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { entLayout } from "../shared/sql/ent-layout.ts";
import { openSqlite } from "./sqlite.ts";

runStorageConformance("sqlite3", () => openSqlite("", quietDeps()));
runStorageConformance("sqlite3 with ent's tables", () => openSqlite("", quietDeps(), entLayout), {
  hasColludingPairs: true,
});
