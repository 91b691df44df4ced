import { describe } from "node:test";
import { backends } from "./backends.ts";
import { runFixtureSuite } from "./fixture-suite.ts";

describe("MariaDB", () => runFixtureSuite(backends.mariadb));
describe("MySQL", () => runFixtureSuite(backends.mysql));
