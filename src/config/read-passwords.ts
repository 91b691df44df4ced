import { Secret } from "../kernel/secret.ts";
import type { Password } from "../storage/records.ts";
import { readBcryptHash } from "./bcrypt-hash.ts";
import { variable } from "./feature-flags.ts";
import { type Reading, reasonOf } from "./reading.ts";
import type { ConfigFile } from "./schema.ts";

type FilePassword = ConfigFile["staticPasswords"][number];

/** What Dex's login accepts; outside it a hash loads and never lets anyone in. */
const costs = { least: 10, most: 16 };

export function readPasswords(reading: Reading): readonly Password[] {
  return reading.file.staticPasswords.map((password, index) =>
    readPassword(reading, password, `staticPasswords[${index}]`),
  );
}

function readPassword(reading: Reading, password: FilePassword, path: string): Password {
  const { findings } = reading;
  const { email, username, name, preferredUsername, emailVerified, userID, groups } = password;
  if (email === "") findings.warn(`${path}.email`, "without an email nobody can log in as this person");
  if (userID === "")
    findings.warn(
      `${path}.userID`,
      "without a userID all such people share one `sub` claim: clients cannot tell them apart",
    );
  return {
    // compat(dex): the spelling of the file is what claims show; lookups ignore case.
    email,
    hash: readHash(reading, password, path),
    username,
    name,
    preferredUsername,
    ...(emailVerified === undefined ? {} : { emailVerified }),
    userId: userID,
    groups,
  };
}

function readHash({ findings, env }: Reading, { hash, hashFromEnv }: FilePassword, path: string): Secret<Uint8Array> {
  const isFromEnv = hash.reveal() === "" && hashFromEnv !== "";
  const at = isFromEnv ? `${path}.hashFromEnv` : `${path}.hash`;
  const text = isFromEnv ? variable(env, hashFromEnv) : hash.reveal();
  if (text === "") {
    const hint = isFromEnv
      ? `set the environment variable ${hashFromEnv}`
      : "put a bcrypt hash into hash or hashFromEnv";
    findings.refuse("decode", at, "no password hash provided", { hint });
    return new Secret(Buffer.alloc(0));
  }
  try {
    const { hash: bytes, cost } = readBcryptHash(text);
    if (cost < costs.least) {
      findings.warn(
        at,
        `given hash cost = ${cost} does not meet minimum cost requirement = ${costs.least}; this person cannot log in`,
      );
    }
    if (cost > costs.most) {
      findings.warn(
        at,
        `given hash cost = ${cost} is above upper bound cost = ${costs.most}, recommended cost = 12; this person cannot log in`,
      );
    }
    return new Secret(bytes);
  } catch (error) {
    findings.refuse("decode", at, `malformed bcrypt hash: ${reasonOf(error)}`, {
      hint: "make one with htpasswd -BnC 10 USER",
    });
    return new Secret(Buffer.alloc(0));
  }
}
