import { runFixtureSuite } from "./fixture-suite.ts";
import { etcd } from "./load-etcd.ts";

runFixtureSuite(etcd);
