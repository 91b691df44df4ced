import { runFixtureSuite } from "./fixture-suite.ts";
import { kubernetes } from "./load-kubernetes.ts";

runFixtureSuite(kubernetes);
