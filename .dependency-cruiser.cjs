/**
 * The walls between the rooms, generated from the table in `scripts/rooms.cjs`. `test/walls` plants a bad import
 * for each family of rules and expects it to be reported, so a rule that stopped working cannot pass unnoticed.
 * Tests beside the code may open real implementations; the walls hold for everything that ships.
 */
const { rooms, families, mayImport, exceptionsIn } = require("./scripts/rooms.cjs");

const tests = "\\.test\\.ts$|/conformance/|/testing/";

/** One rule: nothing in `from` imports anything in `to`. */
const never = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const roomWalls = Object.keys(rooms).map((room) =>
  never(
    `room-${room}`,
    `${room} may import: ${rooms[room].join(", ") || "nothing of ours"}`,
    { path: `^src/${room}/`, pathNot: [tests, ...exceptionsIn(room)] },
    { path: "^src/", pathNot: mayImport(room) },
  ),
);

const familyWalls = families.flatMap((family) => [
  never(
    `sibling-${family}`,
    `one ${family} never imports another; what two share goes to ${family}/shared/`,
    { path: `^src/${family}/([^/]+)/`, pathNot: tests },
    { path: `^src/${family}/[^/]+/`, pathNot: [`^src/${family}/$1/`, `^src/${family}/shared/`] },
  ),
  never(
    `implementation-${family}`,
    `an implementation of ${family} sees its contract, never the registry or a caller's glue`,
    { path: `^src/${family}/[^/]+/`, pathNot: tests },
    { path: `^src/${family}/[^/]+\\.ts$`, pathNot: `^src/${family}/(contract|records)\\.ts$` },
  ),
  never(
    `registry-${family}`,
    `only the registry opens an implementation of ${family}`,
    { path: `^src/${family}/[^/]+\\.ts$`, pathNot: [tests, "/registry\\.ts$"] },
    { path: `^src/${family}/[^/]+/`, pathNot: `^src/${family}/shared/` },
  ),
]);

const houseWalls = [
  never(
    "registry-is-for-the-root",
    "only config (schemas) and server (composition) look into a registry",
    { path: "^src/", pathNot: ["^src/(config|server)/", tests] },
    { path: "^src/[^/]+/registry\\.ts$" },
  ),
  never(
    "no-cycle",
    "two modules that need each other are one module",
    { path: "^(src|scripts|examples)/", pathNot: tests },
    { circular: true },
  ),
  never(
    "one-way-out",
    "an upstream is asked over HTTP by `deps.openFetch` alone, which ends every call at its deadline and bounds its answer",
    { path: "^src/connector/", pathNot: tests },
    { path: "^(node:)?(http|https|http2|dgram)$|(^|/)undici/" },
  ),
  never(
    "sockets-are-ldaps",
    "LDAP alone opens sockets of its own, in the file that gives each question its deadline",
    { path: "^src/connector/", pathNot: [tests, "^src/connector/ldap/", "^src/connector/contract\\.ts$"] },
    { path: "^(node:)?(net|tls)$" },
  ),
  never(
    "spec-is-black-box",
    "test/spec speaks HTTP to a whole server, so it sees only what starts one: config, server and kernel",
    { path: "^test/spec/" },
    { path: "^src/", pathNot: "^src/(config|server|kernel)/" },
  ),
  never(
    "ships-no-tests",
    "what ships imports no test, bench, script or example",
    { path: "^src/", pathNot: tests },
    { path: `^(test|bench|scripts|examples)/|${tests}` },
  ),
  never(
    "examples-stand-alone",
    "an example is a stranger's program: it knows the server by its URLs only",
    { path: "^examples/", pathNot: tests },
    { path: "^(src|test|bench|scripts)/" },
  ),
  never(
    "ships-no-dev-package",
    "what ships needs only `dependencies`",
    { path: "^src/", pathNot: tests },
    { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
  ),
  never(
    "resolves",
    "an import that leads nowhere fails at run time, since nothing is compiled",
    {},
    { couldNotResolve: true },
  ),
];

module.exports = {
  forbidden: [...roomWalls, ...familyWalls, ...houseWalls],
  options: {
    doNotFollow: { path: "node_modules" },
    // Types count too: an `import type` across a wall is a dependency like any other.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".cjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["node", "import", "default"],
    },
  },
};
