import { createInterface } from "node:readline";
import { Writable } from "node:stream";

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });

/** What was piped and nobody has asked for yet. */
let piped: AsyncIterator<string> | undefined;

/** The next line of standard input; the question goes to standard error, so that it is seen beside a piped output. */
export async function ask(question: string, isHidden: boolean): Promise<string> {
  process.stderr.write(question);
  if (process.stdin.isTTY) return askTerminal(isHidden);
  piped ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value, done } = await piped.next();
  return done === true ? "" : value;
}

/** A terminal hands over every key; what is hidden nobody writes back. */
async function askTerminal(isHidden: boolean): Promise<string> {
  const output = isHidden ? nowhere : process.stderr;
  const typed = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await new Promise((resolve) => {
      typed.once("line", resolve);
      typed.once("close", () => resolve(""));
    });
  } finally {
    typed.close();
    if (isHidden) process.stderr.write("\n");
  }
}
