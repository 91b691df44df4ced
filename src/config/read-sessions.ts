import { formatDuration } from "../kernel/duration.ts";
import { quoteGo } from "../kernel/go-quote.ts";
import { type Millis, millis } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";
import { type Reading, readDuration } from "./reading.ts";
import type { ConfigFile } from "./schema.ts";

export interface SessionsConfig {
  readonly cookieName: string;
  readonly absoluteLifetime: Millis;
  readonly validIfNotUsedFor: Millis;
  readonly rememberMeCheckedByDefault: boolean;
  /** Absent: the cookie is not encrypted. */
  readonly cookieEncryptionKey?: Secret;
  readonly ssoSharedWithDefault: "none" | "all";
  /** Applications may ask by a frame whether the login is still there. OIDC Session Management. */
  readonly checkSessionIframe: boolean;
}

const hour = 3_600_000;
const prefix = "invalid session config: ";

/** Undefined: sessions are switched off. */
export function readSessions({ file, findings, flags }: Reading): SessionsConfig | undefined {
  const { sessions } = file;
  if (!flags.DEX_SESSIONS_ENABLED) {
    if (sessions !== undefined) {
      findings.refuse(
        "setup",
        "sessions",
        "sessions config requires sessions to be enabled (DEX_SESSIONS_ENABLED=true)",
      );
    }
    return undefined;
  }
  const cookieEncryptionKey = readKey(sessions, { findings });
  return {
    cookieName: sessions?.cookieName || "dex_session",
    ...readLifetimes(sessions, { findings }),
    rememberMeCheckedByDefault: sessions?.rememberMeCheckedByDefault ?? true,
    ...(cookieEncryptionKey === undefined ? {} : { cookieEncryptionKey }),
    checkSessionIframe: sessions?.checkSessionIframe ?? false,
    ssoSharedWithDefault: readSharing(sessions?.ssoSharedWithDefault ?? "", { findings }),
  };
}

type FileSessions = ConfigFile["sessions"];
type Saying = Pick<Reading, "findings">;

function readLifetimes(
  sessions: FileSessions,
  { findings }: Saying,
): Pick<SessionsConfig, "absoluteLifetime" | "validIfNotUsedFor"> {
  const read = (key: "absoluteLifetime" | "validIfNotUsedFor", fallback: Millis): Millis => {
    const path = `sessions.${key}`;
    const text = sessions?.[key];
    const value = readDuration(findings, path, text, `${prefix}invalid ${key} ${quoteGo(text ?? "")}: `) ?? fallback;
    if (value <= 0) findings.refuse("setup", path, `${prefix}${key} must be positive, got ${formatDuration(value)}`);
    return value;
  };
  const absoluteLifetime = read("absoluteLifetime", millis(24 * hour));
  const validIfNotUsedFor = read("validIfNotUsedFor", millis(hour));
  if (validIfNotUsedFor > absoluteLifetime && absoluteLifetime > 0) {
    findings.refuse(
      "setup",
      "sessions.validIfNotUsedFor",
      `${prefix}validIfNotUsedFor (${formatDuration(validIfNotUsedFor)}) must not exceed absoluteLifetime (${formatDuration(absoluteLifetime)})`,
    );
  }
  return { absoluteLifetime, validIfNotUsedFor };
}

/** The key is the text's own bytes: no hexadecimal, no base64. */
function readKey(sessions: FileSessions, { findings }: Saying): Secret | undefined {
  const key = sessions?.cookieEncryptionKey;
  const length = key === undefined ? 0 : Buffer.byteLength(key.reveal());
  if (key === undefined || length === 0) return undefined;
  if (![16, 24, 32].includes(length)) {
    findings.refuse(
      "setup",
      "sessions.cookieEncryptionKey",
      `${prefix}cookieEncryptionKey must be 16, 24, or 32 bytes (AES-128/192/256), got ${length}`,
    );
  }
  return key;
}

function readSharing(text: string, { findings }: Saying): "none" | "all" {
  if (!["", "none", "all"].includes(text)) {
    findings.refuse(
      "setup",
      "sessions.ssoSharedWithDefault",
      `${prefix}ssoSharedWithDefault must be "none" or "all", got ${quoteGo(text)}`,
    );
  }
  return text === "all" ? "all" : "none";
}
