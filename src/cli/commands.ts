/** One flag with a value, or a switch without one. */
export interface Flag {
  readonly name: string;
  readonly isSwitch?: true;
  readonly summary: string;
}

/** What can be asked for on the command line, as data: parsing and help are made from it. */
export interface Command {
  readonly summary: string;
  /** After the command's name. */
  readonly usage: string;
  readonly example?: string;
  /** How many arguments it takes; undefined for any number, which are ignored. */
  readonly args?: number;
  /** It takes its words apart itself, its help included. */
  readonly isOwnParser?: true;
  readonly flags: readonly Flag[];
}

export const commands = {
  admin: {
    summary: "Administer a running server over its gRPC API",
    usage: "RESOURCE VERB [arguments] [flags]",
    example: "dex admin client list",
    isOwnParser: true,
    flags: [],
  },
  audit: {
    summary: "Follow the chain of an audit and say whether anything in it was changed",
    usage: "verify [audit file]",
    example: "dex audit verify /var/log/dex/audit.jsonl",
    args: 2,
    flags: [],
  },
  connector: {
    summary: "Test one connector: its addresses, what its upstream says, and a login",
    usage: "test [flags] [config file] [connector id]",
    example: "dex connector test config.yaml ldap --login",
    args: 3,
    flags: [
      { name: "login", summary: "Sign in as well, and show every answer and the resulting claims", isSwitch: true },
    ],
  },
  doctor: {
    summary: "Say what differs from Dex for a config, and what in it is deprecated or dangerous",
    usage: "[flags] [config file, or - for standard input]",
    example: "dex doctor config.yaml",
    args: 1,
    flags: [
      { name: "all", summary: "Print what differs for everybody as well, though few will notice", isSwitch: true },
      { name: "json", summary: "Print JSON", isSwitch: true },
    ],
  },
  explain: {
    summary: "Say why a request ended as it did, from its trace id",
    usage: "[trace id] [config file, trail file or log, or - for standard input]...",
    example: "dex explain 4bf92f3577b34da6a3ce929d0e0e4736 config.yaml",
    flags: [],
  },
  "print-config": {
    summary: "Print the effective config, secrets masked",
    usage: "[config file, or - for standard input]",
    example: "dex print-config config.yaml",
    args: 1,
    flags: [],
  },
  serve: {
    summary: "Launch Dex",
    usage: "[flags] [config file]",
    example: "dex serve config.yaml",
    args: 1,
    flags: [
      { name: "explain", summary: "Print the decisions of every request as a tree", isSwitch: true },
      { name: "grpc-addr", summary: "gRPC API address" },
      { name: "telemetry-addr", summary: "Telemetry address" },
      { name: "web-http-addr", summary: "Web HTTP address" },
      { name: "web-https-addr", summary: "Web HTTPS address" },
    ],
  },
  storage: {
    summary: "Look at a database, or copy it into another",
    usage: "check [config file] | copy --from [config file] --to [config file]",
    example: "dex storage copy --from sqlite.yaml --to postgres.yaml",
    flags: [
      { name: "from", summary: "Config whose database is read" },
      { name: "to", summary: "Config whose database is written" },
    ],
  },
  validate: {
    summary: "Report everything that is wrong with a config",
    usage: "[config file, or - for standard input]",
    example: "dex validate config.yaml",
    args: 1,
    flags: [],
  },
  version: { summary: "Print the version and exit", usage: "[flags]", flags: [] },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof commands;

export const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

export const commandOf = (name: CommandName): Command => commands[name];
