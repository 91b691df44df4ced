/**
 * `OPENBAO_BIN=… node scripts/record-openbao.ts`: asks a real OpenBao everything that a signer asks, and keeps its answers
 * in test/compat/openbao-answers.json. Nothing in there is of use to anybody: the server, its keys and tokens are gone.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { playOnOpenbao } from "../test/peer/openbao-stage.ts";

const answers = await playOnOpenbao();
const file = join(import.meta.dirname, "../test/compat/openbao-answers.json");
writeFileSync(file, `${JSON.stringify(answers, undefined, 2)}\n`);
// Its house style for JSON is the linter's.
execFileSync(join(import.meta.dirname, "../node_modules/.bin/biome"), ["format", "--write", file]);
console.log(`${answers.length} answers in ${file}`);
