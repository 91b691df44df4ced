import { runStorageConformance } from "../conformance/conformance.ts";
import { openMemory } from "./memory.ts";

runStorageConformance("memory", async () => openMemory());
