import { backends } from "./backends.ts";
import { runFixtureSuite } from "./fixture-suite.ts";

runFixtureSuite(backends.mysql);
