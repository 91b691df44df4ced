import { backends } from "./backends.ts";
import { runFixtureSuite } from "./fixture-suite.ts";

runFixtureSuite(backends["ent-sqlite3"]);
runFixtureSuite(backends["ent-postgres"]);
