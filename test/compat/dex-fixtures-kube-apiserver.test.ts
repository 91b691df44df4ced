import { runFixtureSuite } from "./fixture-suite.ts";
import { kubeApiserver } from "./load-kubernetes.ts";

runFixtureSuite(kubeApiserver);
