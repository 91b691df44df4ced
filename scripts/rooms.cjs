/**
 * The rooms of the house and who may import whom, once. `.dependency-cruiser.cjs` turns this table into walls,
 * `scripts/docs.ts` into the picture. CommonJS, because dependency-cruiser loads its rules with require().
 * "contracts" stands for every `contract.ts` and `storage/records.ts`; a room may always import itself. A folder in a
 * room that may do more than the room has an entry of its own.
 */

/** @type {Readonly<Record<string, readonly string[]>>} */
const rooms = {
  kernel: [],
  oauth: [],
  http: ["catalogues", "oauth", "kernel"],
  page: ["oauth", "kernel"],
  telemetry: ["kernel"],
  connector: ["oauth", "kernel"],
  // Its people live in our own storage.
  "connector/local": ["storage contract", "oauth", "kernel"],
  storage: ["oauth", "kernel"],
  // A local signer's keys live in our own storage; the registry hands it over.
  signer: ["storage contract", "oauth", "kernel"],
  token: ["contracts", "oauth", "kernel"],
  grant: ["token", "contracts", "oauth", "kernel"],
  // The outbox lives in our own storage.
  mail: ["storage contract", "kernel"],
  flow: ["page", "token", "contracts", "oauth", "kernel"],
  // What people do with their own accounts; ending one's sessions is the flow's.
  account: ["flow", "page", "token", "contracts", "oauth", "kernel"],
  endpoint: ["account", "flow", "grant", "token", "page", "http", "contracts", "oauth", "kernel"],
  admin: ["flow", "grant", "token", "page", "http", "contracts", "oauth", "kernel"],
  // Static clients and passwords are records.
  config: ["registries", "storage contract", "oauth", "kernel"],
  server: [
    ...["account", "admin", "config", "endpoint", "flow", "grant", "mail", "token", "page", "telemetry", "http"],
    ...["registries", "contracts", "oauth", "kernel", "chosen implementations"],
  ],
  cli: ["config", "server", "kernel"],
};

/** Rooms with a contract, a registry, and one folder per implementation. */
const families = ["connector", "storage", "signer"];

/** What the words of the table that are no room mean, as paths. */
const words = {
  contracts: ["^src/[^/]+/contract\\.ts$", "^src/storage/records\\.ts$"],
  "storage contract": ["^src/storage/(contract|records)\\.ts$"],
  // What people read, and nothing else: sentences by key.
  catalogues: ["^src/page/messages/"],
  registries: ["^src/[^/]+/registry\\.ts$"],
  // What no registry can choose by a name in the config: the composition root wires these by hand.
  "chosen implementations": [
    "^src/connector/local/",
    "^src/storage/(static-overlay|copy-storage)\\.ts$",
    "^src/signer/",
  ],
};

/** The paths that `room` may import. */
const mayImport = (room) => [
  `^src/${room.split("/")[0]}/`,
  ...rooms[room].flatMap((name) => words[name] ?? [`^src/${name}/`]),
];

/** The folders in `room` that have an entry of their own. */
const exceptionsIn = (room) =>
  Object.keys(rooms)
    .filter((other) => other.startsWith(`${room}/`))
    .map((other) => `^src/${other}/`);

module.exports = { rooms, families, mayImport, exceptionsIn };
